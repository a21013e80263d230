"""Streamlit's entry: who is there, which pages are theirs, the page they asked for."""

from workbench import logs, navigation, widgets

if __name__ == "__main__":
    logs.begin()
    widgets.prepare()
    navigation.run()
