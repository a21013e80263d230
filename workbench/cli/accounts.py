"""Accounts from the command line."""

from __future__ import annotations

import sys

import click

from core.domain.access import Role
from core.services.accounts import create_account
from workbench.cli.shared import actor, write_json
from workbench.resources import sessions


@click.group()
def account() -> None:
    """Comptes."""


@account.command("add")
@click.argument("login")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in Role])
)
@click.option("--name", default="", help="Nom affiché.")
@click.option("--password-stdin", is_flag=True, help="Lire le mot de passe sur l'entrée standard.")
@click.pass_context
def add(context: click.Context, login: str, roles: tuple[str, ...], name: str, password_stdin: bool) -> None:
    """Crée un compte ; son mot de passe devra être changé à la première connexion."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Mot de passe", hide_input=True, confirmation_prompt=True)
    account_id = create_account(
        sessions(),
        actor(context),
        login=login,
        roles=[Role(role) for role in roles],
        surname=name or login,
        password=password,
    )
    write_json({"account": account_id, "login": login})
