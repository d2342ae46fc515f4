"""What columns are called in the exports of other programs, in English, German, French and Spanish.

Names are compared without regard to case, accents, spaces and punctuation; what is in brackets does not count.
"""

import re
from collections.abc import Iterable
from functools import lru_cache


def _set(*names: str) -> frozenset[str]:
    return frozenset(" ".join(names).split())


FIRST = _set("firstname givenname forename first vorname rufname prenom nombredepila primernombre nombres")
LAST = _set("lastname surname sn familyname last nachname familienname zuname nomdefamille apellido apellidos",
            "primerapellido")  # fmt: skip
"""The two parts of a name."""
EITHER = _set("name nom nombre")
"""The whole name, or the part of it that no other column has."""

ALIASES: dict[str, tuple[frozenset[str], ...]] = {
    "email": (
        _set(
            "email emails emailaddress emailadress mail mailaddress emailid useremail workemail businessemail",
            "primaryemail primaryemailaddress primarysmtpaddress smtpaddress email1value",
            "emailadresse mailadresse epost epostadresse",
            "courriel adressecourriel adresseemail adressemail adressedemessagerie adresseelectronique mel",
            "correo correoelectronico direcciondecorreo direcciondecorreoelectronico direcciondeemail direcciondemail",
        ),
        _set("userprincipalname upn benutzerprinzipalname nomdutilisateurprincipal nomprincipaldelutilisateur",
             "nombreprincipaldeusuario nombreprincipaldelusuario"),
        _set("samlnameid nameid"),
    ),
    "name": (
        _set("fullname realname vollername vollstandigername nomcomplet nometprenom prenometnom nomprenom",
             "nombrecompleto nombreyapellidos apellidosynombre"),
        _set("displayname anzeigename nomdaffichage nomcompletaffiche nombreparamostrar nombremostrado"),
        _set("cn commonname"),
    ),
}  # fmt: skip
"""Of a field: what a column may be called that holds it, in groups. A column of an earlier group is preferred."""

_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>")


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """The name of a column as it is compared."""
    bare = _IN_BRACKETS.sub("", name) or name
    if bare.isascii():
        letters = bare.lower()
    else:
        import unicodedata

        letters = unicodedata.normalize("NFKD", bare.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def parts_of_name(names: Iterable[str]) -> tuple[list[int], list[int], list[int]]:
    """Of columns with these folded names: those of first names, of last names, and of whole names.

    `Name` beside `Vorname` and `Nom` beside `Prénom` are last names; `Nombre` beside `Apellidos` is a first name.
    """
    found = list(enumerate(names))
    first, last, either = ([at for at, name in found if name in group] for group in (FIRST, LAST, EITHER))
    if either and first and not last:
        return first, either, []
    if either and last and not first:
        return either, last, []
    return first, last, either
