// An OpenID provider for tests: the certified npm package `oidc-provider`, with users who sign in
// without a prompt, and a token endpoint that can be told to return a wrong answer once.
//
//   node provider.mjs MODULES PORT CONFIGURATION
//
// MODULES is the directory in which `npm ci` installed the package, PORT a port of 127.0.0.1 (0: a
// free one), CONFIGURATION a JSON object: `client_id`, `client_secret` (missing: a public client),
// `redirect_uri`, `post_logout_redirect_uri` (may be missing). The line `listening on ISSUER` says that it is ready.
//
// `POST /test/control` with a JSON object changes what happens from then on:
//   account     the claims of the next user who signs in, including `sub`
//   deny        true: the user declines
//   claims_in   "id_token" or "userinfo" (as the package does by default)
//   iss_parameter   false: no `iss` in the authorization response
//   rotate      true: another signing key, without the old one
//   tamper      what is done to the next ID token: `claims` (null removes one), `header`, `append`
//               (text that is put at the end of the claims, such as `"a":1,"a":2`), and
//               `signature`: "own" (default), "foreign", "none", "hs256", "broken"
//   userinfo    claims that replace those of the next answer of the userinfo endpoint
//   userinfo_signed   true: the userinfo endpoint answers with signed tokens
//   fail        the status with which the next requests are answered, by path: { "/token": 500 }
//   profile     how a product writes what this package writes otherwise; all members are optional:
//     metadata    members of the document that replace its own (null removes one); ISSUER in a
//                 text stands for `http://127.0.0.1:PORT`
//     path        the path of the issuer, with or without a slash at its end
//     claims      claims of each ID token (null removes one)
//     claims_append   text that is put at the end of the claims of each ID token
//     userinfo    claims of each answer of the userinfo endpoint
//     token       members of each answer of the token endpoint
//     logout      what the request for signing out must have: ["id_token_hint"]
// `GET /test/requests` returns the paths of all requests so far, and `GET /test/logouts` the
// parameters of all requests for signing out.
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, port, configuration] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const { client_id, client_secret, redirect_uri, post_logout_redirect_uri } = JSON.parse(configuration);

const accounts = new Map();
const requests = [];
const logouts = [];
const state = {
  account: null,
  deny: false,
  claims_in: 'userinfo',
  iss_parameter: true,
  tamper: null,
  userinfo: null,
  userinfo_signed: false,
  fail: {},
  profile: {},
};
let key = newKey();
let provider;
let answer;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { privateKey, kid: randomUUID() };
}

function build() {
  const jwk = { ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, alg: 'RS256', use: 'sig' };
  provider = new Provider(issuer, {
    clients: [{
      client_id,
      ...(client_secret ? { client_secret } : { token_endpoint_auth_method: 'none' }),
      redirect_uris: [redirect_uri],
      ...(post_logout_redirect_uri ? { post_logout_redirect_uris: [post_logout_redirect_uri] } : {}),
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    jwks: { keys: [jwk] },
    cookies: { keys: ['a key for tests'] },
    scopes: ['openid', 'groups'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name'],
      groups: ['groups'],
    },
    conformIdTokenClaims: state.claims_in === 'userinfo',
    pkce: { required: () => true },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AuthorizationCode: 60, AccessToken: 600, IdToken: 600 },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<!DOCTYPE html><title>Sign out</title>${form}
            <button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>`;
        },
      },
    },
    findAccount: (_, sub) => accounts.has(sub)
      ? { accountId: sub, claims: () => accounts.get(sub) }
      : undefined,
    interactions: { url: (_, interaction) => `/test/interaction/${interaction.uid}` },
    // There is no consent prompt; a user declines when signing in.
    loadExistingGrant: async (ctx) => {
      const { client, session, params } = ctx.oidc;
      const { Grant } = ctx.oidc.provider;
      // Another grant would replace that of the session, with the codes of other tabs.
      const id = session.grantIdFor(client.clientId);
      const known = id && await Grant.find(id);
      const grant = known?.accountId === session.accountId
        ? known
        : new Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(params.scope);
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    const { profile } = state;
    if (ctx.path === '/.well-known/openid-configuration' && ctx.body?.issuer) {
      ctx.body = document(ctx.body);
    }
    if (ctx.path === '/token' && ctx.body?.id_token) {
      const claims = { ...(profile.path === undefined ? {} : { iss: ownIssuer() }), ...profile.claims };
      const shaped = tampered(ctx.body.id_token, { claims, append: profile.claims_append });
      ctx.body = { ...ctx.body, ...profile.token, id_token: shaped };
      if (state.tamper) {
        ctx.body = { ...ctx.body, id_token: tampered(shaped, state.tamper) };
        state.tamper = null;
      }
    }
    if (ctx.path === '/me' && ctx.body?.sub) {
      ctx.body = { ...ctx.body, ...profile.userinfo, ...state.userinfo };
      state.userinfo = null;
      if (state.userinfo_signed) {
        const claims = { ...ctx.body, iss: ownIssuer(), aud: client_id };
        ctx.body = signed(JSON.stringify(claims));
        ctx.type = 'application/jwt';
      }
    }
    const location = ctx.response.get('location') ?? '';
    if (location.startsWith(redirect_uri)) {
      const url = new URL(location);
      if (!state.iss_parameter) url.searchParams.delete('iss');
      else if (profile.path !== undefined) url.searchParams.set('iss', ownIssuer());
      ctx.set('location', url.href);
    }
  });
  answer = provider.callback();
}

// The issuer as the profile spells it.
function ownIssuer() {
  return `${issuer}${state.profile.path ?? ''}`;
}

function read(part) {
  return JSON.parse(Buffer.from(part, 'base64url'));
}

function write(part) {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

// A token of the provider's key with this payload.
function signed(payload) {
  const input = `${write({ alg: 'RS256', kid: key.kid })}.${write(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key.privateKey).toString('base64url')}`;
}

// Whether a token has a signature of the provider's key.
function isOwn(token) {
  const [header, payload, proof] = token.split('.');
  const own = sign('sha256', Buffer.from(`${header}.${payload}`), key.privateKey);
  return own.toString('base64url') === proof;
}

function tampered(token, { claims = {}, append = '', header = {}, signature = 'own' }) {
  const [before, payload, proof] = token.split('.');
  const algorithm = { none: { alg: 'none' }, hs256: { alg: 'HS256' } }[signature];
  const head = write({ ...read(before), ...algorithm, ...header });
  const changed = { ...read(payload), ...claims };
  for (const [name, value] of Object.entries(changed)) {
    if (value === null) delete changed[name];
  }
  const text = JSON.stringify(changed);
  const input = `${head}.${write(append ? `${text.slice(0, -1)},${append}}` : text)}`;
  const by = ({ privateKey }) => sign('sha256', Buffer.from(input), privateKey).toString('base64url');
  switch (signature) {
    case 'own': return `${input}.${by(key)}`;
    case 'foreign': return `${input}.${by(newKey())}`;
    case 'hs256': return `${input}.${createHmac('sha256', client_secret).update(input).digest('base64url')}`;
    case 'broken': return `${input}.${proof.startsWith('A') ? 'B' : 'A'}${proof.slice(1)}`;
    case 'none': return `${input}.`;
    default: throw new Error(`no such signature: ${signature}`);
  }
}

async function control(request, response) {
  let text = '';
  for await (const part of request) text += part;
  const { rotate, account, ...changes } = JSON.parse(text);
  for (const name of Object.keys(changes)) {
    if (!(name in state)) throw new Error(`no such switch: ${name}`);
  }
  Object.assign(state, changes);
  if (account) {
    accounts.set(account.sub, account);
    state.account = account.sub;
  }
  if (rotate) key = newKey();
  if (rotate || 'claims_in' in changes) build();
  response.end('{}');
}

// The document of the provider, as the profile writes it.
function document(metadata) {
  const own = { ...metadata, issuer: ownIssuer() };
  for (const [name, value] of Object.entries(state.profile.metadata ?? {})) {
    if (value === null) delete own[name];
    else own[name] = typeof value === 'string' ? value.replace('ISSUER', issuer) : value;
  }
  return own;
}

// Returns whether a request for signing out has what the profile demands.
function mayLogOut(parameters) {
  const demanded = state.profile.logout ?? [];
  return demanded.every((name) => parameters.has(name));
}

// A user who is sent here to sign in has already done so.
async function interaction(request, response) {
  const result = state.deny
    ? { error: 'access_denied', error_description: 'they <b>declined</b>' }
    : { login: { accountId: state.account } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const failed = (error) => {
    console.error(error);
    response.statusCode = 500;
    response.end(String(error));
  };
  if (pathname === '/test/control') return void control(request, response).catch(failed);
  if (pathname === '/test/requests') return void response.end(JSON.stringify(requests));
  if (pathname === '/test/logouts') return void response.end(JSON.stringify(logouts));
  if (pathname === '/favicon.ico') {
    response.statusCode = 204;
    return void response.end();
  }
  requests.push(pathname);
  if (state.fail[pathname]) {
    response.statusCode = state.fail[pathname];
    return void response.end('<h1>out of order</h1>');
  }
  const discovery = '/.well-known/openid-configuration';
  if (pathname.endsWith(discovery)) {
    const path = (state.profile.path ?? '').replace(/\/$/, '');
    if (pathname !== `${path}${discovery}`) {
      response.statusCode = 404;
      return void response.end('{}');
    }
    request.url = discovery;
  }
  if (pathname === '/session/end') {
    const { searchParams } = new URL(request.url, 'http://localhost');
    logouts.push(Object.fromEntries(searchParams));
    if (!mayLogOut(searchParams)) {
      response.statusCode = 400;
      return void response.end('<h1>a parameter is missing</h1>');
    }
    // The package knows its own tokens only as it has written them.
    const hint = searchParams.get('id_token_hint');
    if (hint && isOwn(hint)) {
      searchParams.set('id_token_hint', tampered(hint, { claims: { iss: issuer } }));
      request.url = `${pathname}?${searchParams}`;
    }
  }
  if (pathname.startsWith('/test/interaction/')) return void interaction(request, response).catch(failed);
  answer(request, response);
});
let issuer;
server.listen(Number(port), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  build();
  console.log(`listening on ${issuer}`);
});
