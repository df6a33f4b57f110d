// Calls by the generated TypeScript client, which tsc checks too: node calls.js http://127.0.0.1:8000 <prefix of usernames>
// Prints "<n> calls" at its end. Usernames begin with the prefix, so that several runs may use one server.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type ErrorCode = Schemas["ErrorCode"];
type Outcome<Data> = { data?: Data; error?: Schemas["Problem"]; response: Response };

const PASSWORD = "correct-horse-battery";
const UNKNOWN_ID = Number.MAX_SAFE_INTEGER;
const [url, prefix] = process.argv.slice(2) as [string, string];
let calls = 0;

function client(access?: string) {
  return createClient<paths>({ baseUrl: url, headers: access ? { Authorization: `Bearer ${access}` } : {} });
}

async function body<Data>(outcome: Promise<Outcome<Data>>, status = 200): Promise<Data> {
  const { data, error, response } = await outcome;
  calls += 1;
  assert.equal(response.status, status, JSON.stringify(error));
  assert(data !== undefined);
  return data;
}

async function problem(outcome: Promise<Outcome<unknown>>, status: number, code: ErrorCode): Promise<Schemas["Problem"]> {
  const { error, response } = await outcome;
  calls += 1;
  assert.equal(response.status, status);
  assert(error !== undefined);
  assert.equal(error.code, code, error.detail);
  assert(response.headers.get("X-Request-ID"));
  return error;
}

async function empty(outcome: Promise<Outcome<unknown>>, status: number): Promise<void> {
  const { error, response } = await outcome;
  calls += 1;
  assert.equal(response.status, status, JSON.stringify(error));
}

const anybody = client();

function register(username: string) {
  return body(anybody.POST("/api/v1/users", { body: { username, password: PASSWORD, nickname: "Ann 小明" } }), 201);
}

function logIn(username: string) {
  return body(anybody.POST("/api/v1/auth/token", { body: { username, password: PASSWORD } }));
}

async function accounts() {
  const ann = await register(`${prefix}.ann`);
  assert(Number.isSafeInteger(ann.id));
  assert.equal(ann.gender, "");
  assert.equal(ann.birthday, null);
  assert(!Number.isNaN(new Date(ann.created_at).getTime()));
  const again = { username: `${prefix}.Ann`, password: PASSWORD };
  await problem(anybody.POST("/api/v1/users", { body: again }), 400, "username_taken");
  const wrong = { username: `${prefix}.ann`, password: "wrong" };
  const refused = await problem(anybody.POST("/api/v1/auth/token", { body: wrong }), 401, "bad_credentials");
  // @ts-expect-error: the codes are a closed list
  assert(refused.code !== "no_such_code");
  const tokens = await logIn(`${prefix}.ann`);
  await register(`${prefix}.bob`);
  const bob = await logIn(`${prefix}.bob`);
  return { tokens, ann: client(tokens.access), bob: client(bob.access) };
}

type Caller = ReturnType<typeof client>;

async function profile(ann: Caller) {
  const said = { gender: "female", birthday: "1990-02-28", avatar: "" };
  const changed = await body(ann.PATCH("/api/v1/users/me", { body: said }));
  assert.deepEqual([changed.gender, changed.birthday], ["female", "1990-02-28"]);
  await body(ann.PATCH("/api/v1/users/me", { body: { gender: "", birthday: null } }));
  const me = await body(ann.GET("/api/v1/users/me"));
  assert.deepEqual([me.gender, me.birthday], ["", null]);
  const state = await body(ann.PATCH("/api/v1/users/me/state", { body: { status: "away", message: "At lunch" } }));
  assert.equal(state.status, "away");
  const found = await body(ann.GET("/api/v1/users/search", { params: { query: { q: `${prefix}.ann` } } }));
  assert.equal(found.results[0]?.id, me.id);
  assert.equal(found.next, null);
  const unknown = { params: { path: { user_id: UNKNOWN_ID } } };
  await problem(ann.GET("/api/v1/users/{user_id}", unknown), 404, "not_found");
  await problem(ann.PATCH("/api/v1/users/me", { body: { gender: "x" } }), 400, "bad_input");
}

async function posts(ann: Caller, bob: Caller) {
  const params = { header: { "Idempotency-Key": "post-1" } };
  const write = () => body(bob.POST("/api/v1/posts", { params, body: { text: "Good morning!" } }), 201);
  const [post, again] = [await write(), await write()];
  assert.equal(again.id, post.id);
  const path = { post_id: post.id };
  assert.equal(post.repost_of, null);
  const marks = await body(ann.PUT("/api/v1/posts/{post_id}/like", { params: { path } }));
  assert.equal(marks.counts.likes, 1);
  const text = { text: "Good morning to you, too." };
  const comment = await body(ann.POST("/api/v1/posts/{post_id}/comments", { params: { path }, body: text }), 201);
  const page = await body(bob.GET("/api/v1/posts/{post_id}/comments", { params: { path, query: { limit: 1 } } }));
  assert.deepEqual(page.results.map((each) => each.id), [comment.id]);
  assert((await body(ann.GET("/api/v1/posts/{post_id}", { params: { path } }))).liked);
  await empty(ann.DELETE("/api/v1/comments/{comment_id}", { params: { path: { comment_id: comment.id } } }), 204);
  await problem(bob.POST("/api/v1/posts", { body: { text: "" } }), 400, "bad_input");
  return post.author.id;
}

async function people(ann: Caller, bobId: number) {
  const followed = await body(ann.PUT("/api/v1/users/{user_id}/follow", { params: { path: { user_id: bobId } } }));
  assert(followed.following);
  const found = await body(ann.GET("/api/v1/relationships", { params: { query: { ids: [bobId, UNKNOWN_ID] } } }));
  assert.deepEqual([found.results[0]?.following, found.missing], [true, [UNKNOWN_ID]]);
  const profiles = await body(ann.GET("/api/v1/users/profiles", { params: { query: { ids: [bobId] } } }));
  assert.equal(profiles.results[0]?.state.last_seen_at, null);
  const counters = await body(ann.GET("/api/v1/counters", { params: { query: { targets: [`user:${bobId}`] } } }));
  assert.equal(counters.results[`user:${bobId}`]?.["followers"], 1);
}

async function ratingsAndPopups(ann: Caller) {
  const item = await body(ann.POST("/api/v1/ratings", { body: { title: "A film" } }), 201);
  assert.equal(item.score, null);
  const params = { path: { item_id: item.id } };
  const rated = await body(ann.PUT("/api/v1/ratings/{item_id}/score", { params, body: { score: 9 } }));
  assert.deepEqual([rated.score, rated.my_score, rated.count], [9, 9, 1]);
  const query = { placement: "home", app_version: "3.2.0" };
  const shown = await body(ann.GET("/api/v1/popups/next", { params: { query } }));
  assert.equal(shown.popup, null);
  assert(new Date(shown.next_check_at).getTime() > Date.now());
}

async function tokensEnd(tokens: Schemas["Tokens"]) {
  const renewed = await body(anybody.POST("/api/v1/auth/token/refresh", { body: { refresh: tokens.refresh } }));
  await empty(anybody.POST("/api/v1/auth/logout", { body: { refresh: renewed.refresh } }), 204);
  await problem(client(renewed.access).GET("/api/v1/users/me"), 401, "token_not_valid");
}

async function accountsEnd(bob: Caller) {
  await problem(bob.DELETE("/api/v1/users/me", { body: { password: "wrong" } }), 403, "wrong_password");
  await empty(bob.DELETE("/api/v1/users/me", { body: { password: PASSWORD } }), 202);
  await problem(bob.GET("/api/v1/users/me"), 401, "user_inactive");
}

const { tokens, ann, bob } = await accounts();
await profile(ann);
await people(ann, await posts(ann, bob));
await ratingsAndPopups(ann);
await tokensEnd(tokens);
await accountsEnd(bob);
console.log(`${calls} calls`);
