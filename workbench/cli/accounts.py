"""Accounts from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from core.domain.access import Role
from core.services import accounts, passwords
from workbench.cli.shared import OUT, actor, write_json, write_table
from workbench.resources import sessions

_ROLES = click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="Un rôle ; à répéter pour plusieurs.",
)
_STDIN = click.option("--password-stdin", is_flag=True, help="Lire le mot de passe sur l'entrée standard.")


@click.group()
def account() -> None:
    """Comptes."""


@account.command("add")
@click.argument("login")
@_ROLES
@click.option("--name", default="", help="Nom affiché.")
@_STDIN
@click.pass_context
def add(context: click.Context, login: str, roles: tuple[str, ...], name: str, password_stdin: bool) -> None:
    """Crée un compte ; son mot de passe devra être changé à la première connexion."""
    if password_stdin:
        password = _typed()
    else:
        password = click.prompt("Mot de passe", hide_input=True, confirmation_prompt=True)
    account_id = accounts.create_account(
        sessions(),
        actor(context),
        login=login,
        roles=[Role(role) for role in roles],
        surname=name or login,
        password=password,
    )
    write_json({"account": account_id, "login": login})


@account.command("list")
@OUT
@click.pass_context
def list_accounts(context: click.Context, out: Path | None) -> None:
    """Liste les comptes, par identifiant."""
    lines = accounts.accounts(sessions(), actor(context))
    write_table(
        ["login", "name", "roles", "disabled", "must_change_password"],
        [
            (line.login, line.display_name, " ".join(line.roles), line.disabled, line.must_change_password)
            for line in lines
        ],
        out,
    )


@account.command("roles")
@click.argument("login")
@_ROLES
@click.pass_context
def set_roles(context: click.Context, login: str, roles: tuple[str, ...]) -> None:
    """Donne à un compte ces rôles-là, et eux seuls ; ils valent dès son prochain clic."""
    who = actor(context)
    accounts.set_roles(
        sessions(),
        who,
        login=login,
        roles=[Role(role) for role in roles],
        version=accounts.account_line(sessions(), who, login=login).version,
    )
    write_json({"login": login, "roles": sorted(set(roles))})


@account.command("disable")
@click.argument("login")
@click.pass_context
def disable(context: click.Context, login: str) -> None:
    """Ferme un compte et coupe ses connexions."""
    accounts.set_disabled(sessions(), actor(context), login=login, disabled=True)
    write_json({"login": login, "disabled": True})


@account.command("enable")
@click.argument("login")
@click.pass_context
def enable(context: click.Context, login: str) -> None:
    """Rouvre un compte."""
    accounts.set_disabled(sessions(), actor(context), login=login, disabled=False)
    write_json({"login": login, "disabled": False})


@account.command("reset")
@click.argument("login")
@_STDIN
@click.pass_context
def reset(context: click.Context, login: str, password_stdin: bool) -> None:
    """Donne un nouveau mot de passe, à changer à la première connexion, et coupe les connexions du compte."""
    password = _typed() if password_stdin else passwords.random_password()
    accounts.set_password(sessions(), actor(context), login=login, password=password)
    write_json({"login": login} if password_stdin else {"login": login, "password": password})


def _typed() -> str:
    return sys.stdin.readline().rstrip("\n")
