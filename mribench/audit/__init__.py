"""Does a generator give back its training patients? Loss of the network, copies of images, gap of distances."""
