"""The store: one SQL database for all programs of the estate, its migrations, and its ledger.

Imports only `errors`; `signed_site` and every folder above may import it. Each table has one owner,
the module that declares it. No other module writes to it, with one exception: retention overwrites
envelopes and deletes verdicts and acts of destroyed events.

| table | holds | owner |
|---|---|---|
| `envelopes` | every sealed event, with its place in the camera's chain | `store.envelopes` |
| `unshown`, `copies` | events that no receiver has shown, and that came again | `store.arrivals` |
| `ledger`, `ledger_head` | the estate's own ledger, and its length | `store.ledger` |
| `lists` | case file and policy of every list that the estate has seen | `signed_site` |
| `site_files` | every signed root, targets role, policy and recipients file | `signed_site` |
| `misaddressed` | events that are sealed to others than the reviewers | `intake.addressees` |
| `statuses` | what a reviewer's key has read of cameras' statuses | `intake.statuses` |
| `camera_lines` | cameras' ledgers, line by line | `accounts.books` |
| `verdicts`, `decisions` | signed verdicts, and what two of them decided | `verdicts.decisions` |
| `holds` | holds of earlier versions, without signatures; only read | `retention.holds` |
| `acts` | reviewers' signed acts: hold, release, opened, held a status | `store.acts` |
| `certificates` | signed certificates of destruction | `retention.destruction` |
| `clock` | the floor below which the clock is not believed | `retention.destruction` |
| `filler` | nothing; zeros pass through it over SQLite's log | `store.scrub` |
| `alembic_version` | the newest migration that ran | `store.migrations` |
"""
