"""How passwords are kept outside the tests, which hash cheaply."""

from argon2 import PasswordHasher, Type, extract_parameters


def test_passwords_are_kept_as_argon2id_with_the_recommended_work() -> None:
    found = extract_parameters(PasswordHasher().hash("not a real one"))
    assert found.type is Type.ID
    assert found.memory_cost >= 19 * 1024
    assert found.time_cost >= 2
