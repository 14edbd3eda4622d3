from mribench.cli import main

main()
