"""Runs specc from a checkout: `python cli.py summary specs/mnist_cnn.yaml`."""

from specc.app import main

if __name__ == "__main__":
    main()
