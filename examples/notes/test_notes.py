NOTES_OF_ALICE = "select * from notes where user_id = %(alice)s"
WRITE_AS_ALICE = "insert into notes (user_id, body) values (%(alice)s, 'Forged')"


def test_a_note_is_its_owners_alone(as_user, policy_matrix):
    with as_user("alice") as alice:
        alice.execute("insert into notes (body) values ('Mine')")
    policy_matrix.check(
        {
            NOTES_OF_ALICE: {"alice": 1, "bob": 0, "anonymous": "42501"},
            WRITE_AS_ALICE: {"alice": 1, "bob": "42501", "anonymous": "42501"},
        }
    )
