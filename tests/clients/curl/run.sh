#!/usr/bin/env bash
# Uses the API with nothing but curl, as a shell script of an administrator would.
#
#   run.sh BASE_URL CLIENT_ID CLIENT_SECRET TENANT
#
# Python reads the replies (python3 -c); no other program is needed. Prints one line a check; the
# exit code is 0 when all hold, 1 when one does not, 2 for wrong usage. The client that the checks
# create is deleted again. The application needs the scope `all`, the server some demo clients.
set -euo pipefail

if [ "$#" -ne 4 ]; then
    echo "usage: run.sh BASE_URL CLIENT_ID CLIENT_SECRET TENANT" >&2
    exit 2
fi
base_url="${1%/}" client_id="$2" client_secret="$3" tenant="$4"

for program in curl python3; do
    if ! command -v "$program" >/dev/null; then
        echo "FAILED: $program is missing; install it (Debian: apt-get install $program)"
        exit 1
    fi
done

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
token=""
status=""
name="Curl & Sons $$-$RANDOM"

# send METHOD PATH [curl's options]: sets $status; the body and the headers are left in $folder.
send() {
    local method="$1" path="$2"
    shift 2
    : >"$folder/body"
    if ! status="$(curl -q --silent --show-error --noproxy '*' --max-time 60 --request "$method" \
        --dump-header "$folder/headers" --output "$folder/body" --write-out '%{http_code}' \
        "$@" "$base_url$path")"; then
        echo "FAILED: $method $path could not be sent"
        exit 1
    fi
    request="$method $path"
}

# call METHOD PATH [JSON]: the same with the token.
call() {
    if [ "$#" -eq 3 ]; then
        send "$1" "$2" --header "Authorization: Bearer $token" \
            --header 'Content-Type: application/json' --data-binary "$3"
    else
        send "$1" "$2" --header "Authorization: Bearer $token"
    fi
}

# value EXPRESSION [ARGUMENT…]: prints a Python expression over `body`, `headers` and `arg`.
value() {
    python3 -c '
import json, sys
folder, expression, *arg = sys.argv[1:]
with open(folder + "/body", encoding="utf-8") as file:
    body = json.load(file)
with open(folder + "/headers", encoding="iso-8859-1") as file:
    pairs = [line.split(":", 1) for line in file if ":" in line]
headers = {key.strip().lower(): text.strip() for key, text in pairs}
print(eval(expression, {"body": body, "headers": headers, "arg": arg}))
' "$folder" "$@"
}

# check WHAT STATUS EXPRESSION [ARGUMENT…]: the last reply has this status and the expression holds.
check() {
    local what="$1" expected="$2" holds
    shift 2
    if [ "$status" = "$expected" ] && holds="$(value "$@" 2>"$folder/problem")" &&
        [ "$holds" = "True" ]; then
        echo "ok $what"
        return
    fi
    echo "FAILED $what: $request answered $status (expected $expected); required: $1"
    tail -n 1 "$folder/problem" 2>/dev/null || true
    head -c 2000 "$folder/body"
    echo
    exit 1
}

json_name() {
    python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$1"
}

get_token() {
    send POST "/auth/token?tenant=$tenant" \
        --data-urlencode 'grant_type=client_credentials' --data-urlencode 'scope=all' \
        --data-urlencode "client_id=$client_id" --data-urlencode "client_secret=wrong"
    check 'refuses a wrong secret' 401 'body["error"] == "invalid_client" and body["error_description"] != ""'

    send POST "/auth/token?tenant=$tenant" \
        --data-urlencode 'grant_type=client_credentials' --data-urlencode 'scope=all' \
        --user "$client_id:$client_secret"
    check 'gets a token with HTTP Basic' 200 'body["token_type"] == "Bearer"'

    send POST "/auth/token?tenant=$tenant" \
        --data-urlencode 'grant_type=client_credentials' --data-urlencode 'scope=all' \
        --data-urlencode "client_id=$client_id" --data-urlencode "client_secret=$client_secret"
    check 'gets a token with form fields' 200 \
        'body["expires_in"] == 3600 and body.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}'
    token="$(value 'body["access_token"]')"
}

list_clients() {
    call GET '/api/Client?pageinate=true&page_size=2&page_no=1'
    check 'lists a page of clients' 200 \
        'list(body) == ["page_no", "page_size", "record_count", "clients"] and len(body["clients"]) == 2 < body["record_count"]'
    local total
    total="$(value 'body["record_count"]')"

    call GET '/client/?count=1'
    check 'lists with count, at the root, in lower case, with a trailing slash' 200 \
        'list(body) == ["record_count", "clients"] and len(body["clients"]) == 1 and body["record_count"] == int(arg[0])' "$total"

    send GET '/api/Client?count=1'
    check 'refuses a request without a token' 401 \
        'headers["www-authenticate"].startswith("Bearer") and body["Message"] != ""'
}

write_client() {
    call POST '/api/Client' "[{\"name\": $(json_name "$name"), \"website\": \"https://curl.example\"}]"
    check 'creates a client' 201 'body["name"] == arg[0] and body["id"] > 0' "$name"
    local id
    id="$(value 'body["id"]')"

    call POST '/api/Client' "[{\"name\": $(json_name "$name")}]"
    check 'refuses a second client of that name' 400 \
        'body["code"] == "duplicate" and body["ClassName"] != "" and headers["content-type"].startswith("application/json")'

    call POST '/api/Client' "[{\"id\": $id, \"website\": \"https://curl.example/new\"}]"
    check 'updates the client' 200 \
        'body["id"] == int(arg[0]) and body["website"] == "https://curl.example/new"' "$id"

    call GET "/api/Client/$id"
    check 'reads the client back' 200 \
        'body["name"] == arg[0] and body["website"] == "https://curl.example/new" and "clients" not in body' "$name"

    call GET "/api/Site?client_id=$id"
    check 'finds the site that was made with the client' 200 \
        'body["record_count"] == 1 and body["sites"][0]["client_id"] == int(arg[0])' "$id"

    call DELETE "/api/Client/$id"
    check 'deletes the client' 200 'body["id"] == int(arg[0])' "$id"

    call GET "/api/Client/$id"
    check 'no longer finds the client' 404 'body["code"] == "not_found"'

    call DELETE "/api/Client/$id"
    check 'refuses to delete it twice' 404 'body["code"] == "not_found"'
}

get_token
list_clients
write_client
