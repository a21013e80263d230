"""Streamlit's entry: who is there, which pages are theirs, the page they asked for."""

from workbench import navigation, widgets

if __name__ == "__main__":
    widgets.prepare()
    navigation.run()
