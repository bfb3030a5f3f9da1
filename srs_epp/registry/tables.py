"""The tables of the registry, as a list of migrations: the version of a database is the number of those done.

Moments are seconds since 1970 in UTC. A migration that has been released is never changed; a change of the
tables is one more entry at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

_FIRST = (
    # clock_offset: seconds added to real time; fe_seq: the last number that has been handed out to a process
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO settings VALUES ('clock_offset', 0), ('fe_seq', 0)",
    # A handle where handle_id is set, else the contact of one domain or registrar only.
    """
    CREATE TABLE contacts (
        contact_id INTEGER PRIMARY KEY,
        registrar_id INTEGER REFERENCES registrars DEFERRABLE INITIALLY DEFERRED,
        handle_id TEXT,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        address1 TEXT NOT NULL,
        address2 TEXT,
        city TEXT NOT NULL,
        province TEXT,
        country_code TEXT NOT NULL,
        postal_code TEXT,
        phone_country_code TEXT NOT NULL,
        phone_area_code TEXT,
        phone_local_number TEXT NOT NULL,
        fax_country_code TEXT,
        fax_area_code TEXT,
        fax_local_number TEXT,
        privacy INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        changed_by INTEGER NOT NULL,
        action_id TEXT NOT NULL,
        audit_text TEXT NOT NULL DEFAULT '',
        CHECK (handle_id IS NULL OR registrar_id IS NOT NULL)
    )
    """,
    "CREATE UNIQUE INDEX handles ON contacts (registrar_id, handle_id) WHERE handle_id IS NOT NULL",
    # password_hash: crypt(3)
    """
    CREATE TABLE registrars (
        registrar_id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        acc_ref TEXT NOT NULL,
        url TEXT,
        password_hash TEXT,
        public_contact INTEGER NOT NULL REFERENCES contacts,
        srs_contact INTEGER NOT NULL REFERENCES contacts,
        technical_contact INTEGER NOT NULL REFERENCES contacts,
        changed INTEGER NOT NULL,
        changed_by INTEGER NOT NULL,
        action_id TEXT NOT NULL,
        audit_text TEXT NOT NULL DEFAULT ''
    )
    """,
    """
    CREATE TABLE registrar_keys (
        registrar_id INTEGER NOT NULL REFERENCES registrars,
        position INTEGER NOT NULL,
        armoured TEXT NOT NULL,
        PRIMARY KEY (registrar_id, position)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE registrar_roles (
        registrar_id INTEGER NOT NULL REFERENCES registrars,
        role TEXT NOT NULL,
        PRIMARY KEY (registrar_id, role)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE registrar_zones (
        registrar_id INTEGER NOT NULL REFERENCES registrars,
        zone TEXT NOT NULL,
        PRIMARY KEY (registrar_id, zone)
    ) WITHOUT ROWID
    """,
    # PendingRelease is what has a cancelled date. admin and technical: NULL is the default contact.
    """
    CREATE TABLE domains (
        domain_id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        language TEXT,
        registrar_id INTEGER NOT NULL REFERENCES registrars,
        registrant_ref TEXT,
        delegate INTEGER NOT NULL,
        term INTEGER NOT NULL,
        registrant INTEGER NOT NULL REFERENCES contacts,
        admin INTEGER REFERENCES contacts,
        technical INTEGER REFERENCES contacts,
        udai_hash TEXT,
        udai_made INTEGER,
        registered INTEGER NOT NULL,
        billed_until INTEGER NOT NULL,
        cancelled INTEGER,
        locked INTEGER,
        changed INTEGER NOT NULL,
        changed_by INTEGER NOT NULL,
        action_id TEXT NOT NULL,
        audit_text TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX domains_of_registrar ON domains (registrar_id, name)",
    "CREATE INDEX domains_of_registrant ON domains (registrant)",
    "CREATE INDEX domains_of_admin ON domains (admin) WHERE admin IS NOT NULL",
    "CREATE INDEX domains_of_technical ON domains (technical) WHERE technical IS NOT NULL",
    """
    CREATE TABLE name_servers (
        domain_id INTEGER NOT NULL REFERENCES domains ON DELETE CASCADE,
        position INTEGER NOT NULL,
        fqdn TEXT NOT NULL,
        ipv4 TEXT,
        ipv6 TEXT,
        PRIMARY KEY (domain_id, position)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE ds_records (
        domain_id INTEGER NOT NULL REFERENCES domains ON DELETE CASCADE,
        position INTEGER NOT NULL,
        key_tag INTEGER NOT NULL,
        algorithm INTEGER NOT NULL,
        digest_type INTEGER NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (domain_id, position)
    ) WITHOUT ROWID
    """,
    # What an entry has tells its type: Address and RegistrarId are registrar_ip, and so on.
    """
    CREATE TABLE access_entries (
        entry_id INTEGER PRIMARY KEY,
        resource TEXT NOT NULL,
        list TEXT NOT NULL,
        type TEXT NOT NULL,
        address TEXT,
        domain_name TEXT,
        registrar_id INTEGER REFERENCES registrars,
        comment TEXT,
        effective INTEGER NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX access_entry ON access_entries
        (resource, list, type, ifnull(address, ''), ifnull(domain_name, ''), ifnull(registrar_id, 0))
    """,
    # Requests that changed something, whole, with their answers; both signed.
    """
    CREATE TABLE requests (
        fe_seq INTEGER PRIMARY KEY,
        registrar_id INTEGER NOT NULL,
        moment INTEGER NOT NULL,
        request BLOB NOT NULL,
        request_signature BLOB NOT NULL,
        response BLOB NOT NULL,
        response_signature BLOB NOT NULL
    )
    """,
    # Every ActionId ever used, with the Response that it got. content: a hash of the action.
    """
    CREATE TABLE actions (
        registrar_id INTEGER NOT NULL,
        action_id TEXT NOT NULL,
        fe_seq INTEGER NOT NULL REFERENCES requests DEFERRABLE INITIALLY DEFERRED,
        content BLOB NOT NULL,
        response BLOB NOT NULL,
        PRIMARY KEY (registrar_id, action_id)
    )
    """,
)

# Life cycle and messages. What a job is to do next is found by an index of its own.
_SECOND = (
    # the number of the last Response that a job has made
    "INSERT INTO settings VALUES ('job_seq', 0)",
    # contacts.unused: since when nothing names this handle; NULL while something does
    "ALTER TABLE contacts ADD COLUMN unused INTEGER",
    """
    UPDATE contacts SET unused = changed WHERE handle_id IS NOT NULL AND contact_id NOT IN (
        SELECT registrant FROM domains
        UNION SELECT admin FROM domains WHERE admin IS NOT NULL
        UNION SELECT technical FROM domains WHERE technical IS NOT NULL
        UNION SELECT public_contact FROM registrars
        UNION SELECT srs_contact FROM registrars
        UNION SELECT technical_contact FROM registrars
    )
    """,
    "CREATE INDEX unused_handles ON contacts (unused) WHERE unused IS NOT NULL",
    "CREATE INDEX domains_to_renew ON domains (billed_until) WHERE cancelled IS NULL AND term > 0",
    "CREATE INDEX domains_to_release ON domains (cancelled) WHERE cancelled IS NOT NULL",
    # Renewals that may be in their grace period. billed_until: as it was before.
    """
    CREATE TABLE renewals (
        renewal_id INTEGER PRIMARY KEY,
        domain_id INTEGER NOT NULL REFERENCES domains ON DELETE CASCADE,
        moment INTEGER NOT NULL,
        billed_until INTEGER NOT NULL
    )
    """,
    "CREATE INDEX renewals_of_domain ON renewals (domain_id)",
    # Names that were given back within the grace period of their registration.
    """
    CREATE TABLE cancelled_in_grace (
        name TEXT NOT NULL,
        registrar_id INTEGER NOT NULL REFERENCES registrars,
        moment INTEGER NOT NULL,
        PRIMARY KEY (name, registrar_id)
    ) WITHOUT ROWID
    """,
    # The queues of the registrars. acknowledged: when it was; NULL while it is on the queue.
    """
    CREATE TABLE messages (
        message_id INTEGER PRIMARY KEY,
        recipient INTEGER NOT NULL REFERENCES registrars,
        originator INTEGER NOT NULL REFERENCES registrars,
        trans_id TEXT NOT NULL,
        moment INTEGER NOT NULL,
        response BLOB NOT NULL,
        acknowledged INTEGER
    )
    """,
    "CREATE INDEX messages_on_queue ON messages (recipient) WHERE acknowledged IS NULL",
    "CREATE INDEX messages_by_name ON messages (recipient, originator, trans_id)",
    "CREATE INDEX actions_of_request ON actions (fe_seq)",
)

MIGRATIONS: Sequence[Sequence[str]] = (_FIRST, _SECOND)
