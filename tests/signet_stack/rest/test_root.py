"""What is not about rows: the description of the API, allowed methods, other origins, schemas, addresses."""

from __future__ import annotations

import pytest

from tests.signet_stack.rest.conftest import Api


def test_the_description_shows_what_the_caller_may_use(api: Api) -> None:
    nobody = api.http.get("/").json()
    assert nobody["swagger"] == "2.0"
    assert {"clients", "items", "project_names"} <= nobody["definitions"].keys()
    assert not {"authors_only", "notes"} & nobody["definitions"].keys()
    somebody = api.http.get("/", headers=api.as_role("authenticated")).json()
    assert {"authors_only", "notes", "clients"} <= somebody["definitions"].keys()
    assert "items" not in somebody["definitions"]
    assert api.http.get("/", headers={"Accept-Profile": "second"}).json()["definitions"].keys() == {"things"}


def test_a_table_is_described_with_keys_types_and_defaults(api: Api) -> None:
    description = api.http.get("/").json()
    projects = description["definitions"]["projects"]
    assert projects["required"] == ["id", "name"]
    assert projects["properties"]["id"] == {
        "format": "integer",
        "type": "integer",
        "description": "Note:\nThis is a Primary Key.<pk/>",
    }
    note = "This is a Foreign Key to `clients.id`.<fk table='clients' column='id'/>"
    assert note in projects["properties"]["client_id"]["description"]
    items = description["definitions"]["complex_items"]["properties"]
    assert items["settings"] == {"format": "json"}
    assert items["arr_data"]["items"] == {"format": "integer", "type": "integer"}
    assert items["field-with_sep"]["default"] == 1
    assert description["paths"]["/projects"].keys() == {"get", "post", "patch", "delete"}


def test_columns_are_described_by_base_type_default_and_length(own_api: object) -> None:
    api: Api = own_api(schemas=("test",))  # type: ignore[operator]
    api.sql("""
        create domain test.email as varchar(80) default 'nobody@example.com';
        create domain test.work_email as test.email;
        create domain test.age as integer;
        create table test.described (
            a test.work_email, b test.age default 18, c char(3), d varchar(10) default 'abc',
            e boolean default true, f timestamptz default now(), g numeric(5, 2) default 1.5,
            h integer default length('abc'), i varchar
        );
        grant select on test.described to anon;
    """)
    definition = api.http.get("/").json()["definitions"]["described"]["properties"]
    varying, texts = "character varying", {"type": "string"}
    assert definition == {
        "a": {"format": varying, **texts, "maxLength": 80, "default": "nobody@example.com"},
        "b": {"format": "integer", "type": "integer", "default": 18},
        "c": {"format": "character", **texts, "maxLength": 3},
        "d": {"format": varying, **texts, "maxLength": 10, "default": "abc"},
        "e": {"format": "boolean", "type": "boolean", "default": True},
        "f": {"format": "timestamp with time zone", **texts, "default": "now()"},
        "g": {"format": "numeric", "type": "number", "default": 1.5},
        "h": {"format": "integer", "type": "integer"},
        "i": {"format": varying, **texts},
    }


def test_every_reference_of_the_description_is_there(api: Api) -> None:
    description = api.http.get("/").json()
    for path in description["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if "$ref" in parameter:
                    assert parameter["$ref"].removeprefix("#/parameters/") in description["parameters"]


def test_functions_are_described_with_their_arguments(api: Api) -> None:
    paths = api.http.get("/").json()["paths"]
    assert paths["/rpc/callcounter"].keys() == {"post"}
    (body,) = paths["/rpc/with_default"]["post"]["parameters"]
    assert body["schema"]["required"] == ["a"]
    assert body["schema"]["properties"].keys() == {"a", "b"}
    (numbers,) = paths["/rpc/variadic_sum"]["get"]["parameters"]
    assert (numbers["type"], numbers["collectionFormat"]) == ("array", "multi")


def test_the_description_says_where_it_is(api: Api) -> None:
    description = api.http.get("/").json()
    assert f"http://{description['host']}{description['basePath']}" == api.url


@pytest.mark.parametrize("accept", ["application/json", "application/openapi+json", "*/*"])
def test_the_description_has_its_type(api: Api, accept: str) -> None:
    response = api.http.get("/", headers={"Accept": accept})
    assert response.headers["Content-Type"] == "application/openapi+json; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "OPTIONS,GET,HEAD"),
        ("/items", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/no_pk", "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
        ("/project_names", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/rpc/callcounter", "OPTIONS,POST"),
        ("/rpc/add_them", "OPTIONS,GET,HEAD,POST"),
    ],
)
def test_options_lists_the_methods(api: Api, path: str, allowed: str) -> None:
    response = api.http.options(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Allow"] == allowed
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_options_of_what_is_not_there_is_404(api: Api) -> None:
    assert api.http.options("/nope").json()["code"] == "PGRST205"
    assert api.http.options("/rpc/nope").json()["code"] == "PGRST202"


def test_a_preflight_is_answered_without_a_key(api: Api) -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "apikey, prefer"}
    response = api.http.options("/nope", headers={"Origin": "http://example.com", **asked})
    assert response.status_code == 200
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    assert "apikey, prefer" in response.headers["Access-Control-Allow-Headers"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("path", ["/items?id=eq.1", "/nope"])
def test_pages_of_other_origins_may_read_replies(api: Api, path: str) -> None:
    response = api.http.get(path, headers={"Origin": "http://example.com"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Range" in response.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in api.http.get(path).headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/a/b", 404, "PGRST125"),
        ("GET", "/rpc/", 404, "PGRST125"),
        ("GET", "/items/", 404, "PGRST125"),
        ("POST", "/", 405, "PGRST117"),
        ("TRACE", "/items", 405, "PGRST117"),
        ("PATCH", "/rpc/add_them", 405, "PGRST101"),
    ],
)
def test_other_addresses_and_methods_are_refused(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    response = api.http.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_name_may_be_anything(api: Api) -> None:
    response = api.http.get("/odd%20%22names%25?select=x:%22a%20b%22,%22d%5C%22e%22&%22c%25s%22=eq.one")
    assert response.json() == [{"x": 1, 'd"e': "x"}]
    assert response.headers["Content-Location"].startswith("/odd%20%22names%25?")


def test_a_schema_is_chosen_by_header_and_echoed(api: Api) -> None:
    response = api.http.get("/things", headers={"Accept-Profile": "second"})
    assert response.json() == [{"id": 1, "label": "thing"}]
    assert response.headers["Content-Profile"] == "second"
    written = api.http.post("/things", json={"id": 2}, headers={"Content-Profile": "second"})
    assert written.json()["message"] == "permission denied for table things"


def test_the_api_key_may_come_in_the_address(api: Api) -> None:
    key = api.context.api_keys.publishable
    response = api.http.get(f"/items?apikey={key}&id=eq.3", headers={"apikey": ""})
    assert response.json() == [{"id": 3}]


def test_one_exposed_schema_is_not_named_in_replies(own_api: object) -> None:
    api: Api = own_api(schemas=("test",))  # type: ignore[operator]
    assert "Content-Profile" not in api.http.get("/items").headers
    assert api.http.get("/items", headers={"Accept-Profile": "test"}).headers["Content-Profile"] == "test"


def test_what_is_off_by_default_can_be_turned_on(own_api: object) -> None:
    api: Api = own_api(aggregates_enabled=True, plan_enabled=True)  # type: ignore[operator]
    assert api.http.get("/items?select=id.sum(),count()").json() == [{"sum": 120, "count": 15}]
    grouped = api.http.get("/tasks?select=project_id,n:count()&order=project_id").json()
    assert grouped == [{"project_id": number, "n": 2} for number in range(1, 5)]
    of_embed = api.http.get("/clients?select=id,projects(count())&order=id").json()
    assert of_embed == [{"id": number, "projects": [{"count": 2}]} for number in (1, 2)]
    beside = api.http.get("/projects?select=...clients(client:name),n:count()&client_id=not.is.null")
    assert sorted(beside.json(), key=str) == [{"client": "Apple", "n": 2}, {"client": "Microsoft", "n": 2}]
    lifted = api.http.get(
        "/tasks?select=...projects(client_id,n:id.count(),last:id.max())&order=projects(client_id)"
    )
    assert lifted.json() == [{"client_id": 1, "n": 4, "last": 2}, {"client_id": 2, "n": 4, "last": 4}]
    starred = api.http.get("/projects?select=*,n:count()&id=eq.1").json()
    assert starred == [{"id": 1, "name": "Windows 7", "client_id": 1, "n": 1}]
    of_none = api.http.get("/projects?select=id,...clients(count())&id=in.(4,5)&order=id").json()
    assert of_none == [{"id": 4, "count": 1}, {"id": 5, "count": 0}]
    to_many = api.http.get("/clients?select=...projects(id.sum())")
    assert (to_many.status_code, to_many.json()["code"]) == (400, "PGRST127")
    plan = api.http.get("/items?id=eq.1", headers={"Accept": "application/vnd.pgrst.plan+json"})
    assert plan.json()[0]["Plan"]["Node Type"]
    lines = api.http.get("/items?id=eq.1", headers={"Accept": "application/vnd.pgrst.plan"})
    assert lines.text.startswith("Aggregate")
    assert lines.headers["Content-Type"].startswith("application/vnd.pgrst.plan+text")
    kept = api.http.post("/items", json={"id": 70}, headers={"Accept": "application/vnd.pgrst.plan"})
    assert kept.text.startswith("Aggregate")
    assert api.http.get("/items?id=eq.70").json() == []
