"""Errors on the screen: one French sentence, never a traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import WorkbenchError
from core.i18n import _
from workbench.sentences import sentence

_LOG = logging.getLogger("korrigo")


@contextmanager
def showing_errors() -> Iterator[None]:
    """Show what the person can mend as a sentence and go on after the block; bugs go further up."""
    try:
        yield
    except WorkbenchError as error:
        show(error)


def show(error: WorkbenchError) -> None:
    """Draw the sentence of an error."""
    st.error(sentence(error), icon=":material/error:")


def unexpected(error: BaseException) -> str:
    """Log a bug under a fresh id and return the sentence that gives this id to the person."""
    error_id = secrets.token_hex(4)
    _LOG.error("error %s", error_id, exc_info=error)
    return _(
        "Une erreur inattendue s'est produite (n° {error_id}). Ce qui était enregistré l'est toujours ; "
        "rechargez la page, et donnez ce numéro à l'administrateur si elle revient."
    ).format(error_id=error_id)


def on_script_error(error: Exception) -> bool:
    """What Streamlit calls when a page raised: sentences for what can be mended, an error id for bugs."""
    if isinstance(error, WorkbenchError):
        show(error)
    else:
        st.error(unexpected(error), icon=":material/error:")
    return True
