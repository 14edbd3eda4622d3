from mribench.cli.app import main

main()
