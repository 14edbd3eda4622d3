"""Tasks about what does not belong: ``ood`` holds a prior against images of other organs, ``anomaly`` finds lesions."""
