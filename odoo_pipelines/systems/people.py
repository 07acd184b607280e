"""Which contacts of Odoo may become the records of people, for all systems that have people."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from odoo_pipelines.systems.person_names import person_name
from odoo_pipelines.systems.targets import Adoption, Demand, Proposal


def adopted_person(entity: str, *proposals: Proposal, form: Callable[[str], Hashable | None] = person_name) -> Adoption:
    """The rules for a kind of people: contacts that are persons, that nobody works or signs in as, and nobody is below.

    Args:
        entity: kind of external record.
        proposals: by which contacts are found, such as `EMAIL`.
        form: gives the form in which names are compared.
    """
    return Adoption(
        entity,
        proposals,
        form,
        demands=(
            Demand("is_company", value=False, code="company"),
            # What is written to its address goes on to the company's, and to that of all its contacts.
            Demand("parent_id", value=False, code="contact_of_another"),
        ),
        used=(("user_ids.active", "in", [True, False]), ("ref_company_ids", "!=", False)),
        parent="parent_id",
    )


EMAIL = Proposal("email_normalized", "email")
PHONE = Proposal("phone_sanitized", "phone")
