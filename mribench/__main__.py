"""Where the command ``mribench`` begins: it answers Ctrl-C before anything large is imported."""

from mribench import signals


def main() -> None:
    try:
        signals.answer()
        from mribench.cli import app

        app.main()
    except KeyboardInterrupt:
        signals.end()


if __name__ == "__main__":
    main()
