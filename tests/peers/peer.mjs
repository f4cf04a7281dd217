// Shopify's own Node library, asked line by line: a JSON question on standard input, a JSON answer on standard output.
// Calls meant for https://*.myshopify.com go to the local Shopify, which tells shops apart by the Host header.
import http from 'node:http';
import readline from 'node:readline';
import '@shopify/shopify-api/adapters/web-api';
import {setAbstractFetchFunc} from '@shopify/shopify-api/runtime';
import {ApiVersion, DeliveryMethod, LogSeverity, Session, shopifyApi} from '@shopify/shopify-api';

const given = JSON.parse(process.argv[2]);

setAbstractFetchFunc((address, init = {}) => new Promise((resolve, reject) => {
  const url = new URL(address);
  const [host, port] = given.shopify.split(':');
  const headers = {...Object.fromEntries(new Headers(init.headers).entries()), host: url.host};
  const request = http.request({host, port, path: url.pathname + url.search, method: init.method ?? 'GET', headers});
  request.on('error', reject);
  request.on('response', async (answer) => {
    const pieces = [];
    for await (const piece of answer) pieces.push(piece);
    resolve(new Response(Buffer.concat(pieces), {status: answer.statusCode, headers: flat(answer.headers)}));
  });
  request.end(init.body);
}));

const shopify = shopifyApi({
  apiKey: given.key,
  apiSecretKey: given.secret,
  scopes: given.scopes,
  hostName: new URL(given.app).host,
  hostScheme: new URL(given.app).protocol.replace(':', ''),
  apiVersion: ApiVersion.October26,
  isEmbeddedApp: true,
  logger: {level: LogSeverity.Error, log: () => {}},
});

const flat = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
const session = ({shop, accessToken}) => new Session({id: 'x', shop, state: '', isOnline: false, accessToken});
const told = (found) => ({...found.toObject(), expires: found.expires, refreshTokenExpires: found.refreshTokenExpires});
const body = (text) => Buffer.from(text, 'base64').toString('utf8');
const arrived = (headers, url = 'https://app.example/') => new Request(url, {method: 'POST', headers});

const answers = {
  async begin({shop, path}) {
    const rawRequest = new Request(`${given.app}/auth`);
    const reply = await shopify.auth.begin({shop, callbackPath: path, isOnline: false, rawRequest});
    return {location: reply.headers.get('location'), cookies: reply.headers.getSetCookie()};
  },
  async callback({url, cookies}) {
    const rawRequest = new Request(url, {headers: {cookie: cookies.map((one) => one.split(';')[0]).join('; ')}});
    return told((await shopify.auth.callback({rawRequest, expiring: true})).session);
  },
  async exchange({shop, token, kind}) {
    const requestedTokenType = `urn:shopify:params:oauth:token-type:${kind}-access-token`;
    return told((await shopify.auth.tokenExchange({shop, sessionToken: token, requestedTokenType, expiring: true})).session);
  },
  async exchangeForever({shop, token}) {
    const requestedTokenType = 'urn:shopify:params:oauth:token-type:offline-access-token';
    return told((await shopify.auth.tokenExchange({shop, sessionToken: token, requestedTokenType})).session);
  },
  async migrate({shop, accessToken}) {
    return told((await shopify.auth.migrateToExpiringToken({shop, nonExpiringOfflineAccessToken: accessToken})).session);
  },
  async refresh({shop, refreshToken}) {
    return told((await shopify.auth.refreshToken({shop, refreshToken})).session);
  },
  async graphql({shop, accessToken, query, variables}) {
    const client = new shopify.clients.Graphql({session: session({shop, accessToken})});
    return (await client.request(query, {variables})).data;
  },
  async subscribe({shop, accessToken, topic, path}) {
    shopify.webhooks.addHandlers({[topic]: {deliveryMethod: DeliveryMethod.Http, callbackUrl: path}});
    return shopify.webhooks.register({session: session({shop, accessToken})});
  },
  async webhook({headers, bytes}) {
    return shopify.webhooks.validate({rawBody: body(bytes), rawRequest: arrived(headers)});
  },
  async flow({headers, bytes}) {
    return shopify.flow.validate({rawBody: body(bytes), rawRequest: arrived(headers)});
  },
  async query({query, signator}) {
    return {valid: await shopify.utils.validateHmac(new URLSearchParams(query), {signator})};
  },
  async token({token}) {
    return shopify.session.decodeSessionToken(token);
  },
  async shop({text}) {
    return {valid: shopify.utils.sanitizeShop(text) !== null};
  },
  async host({text}) {
    return {valid: shopify.utils.sanitizeHost(text) !== null};
  },
  async admin({host}) {
    return {address: shopify.auth.buildEmbeddedAppUrl(host)};
  },
};

async function answer([name, question]) {
  try {
    return {answer: (await answers[name](question)) ?? null};
  } catch (error) {
    return {error: error.constructor.name, message: String(error.message), body: error.response?.body ?? null};
  }
}

for await (const line of readline.createInterface({input: process.stdin})) {
  const told = [];
  for (const question of JSON.parse(line)) told.push(await answer(question));
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
