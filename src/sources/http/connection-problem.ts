import {proxyFor, throughProxy} from '../../base/proxy.ts'

const PASSING =
  /^(ECONN(RESET|REFUSED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENETDOWN|EAI_AGAIN|UND_ERR_(SOCKET|PRX_CONN|(CONNECT|HEADERS|BODY)_TIMEOUT))$/
/** There is no such name, says whoever was asked. */
const UNKNOWN_NAME = /^(ENOTFOUND|EAI_(FAIL|NODATA|NONAME))$/
const UNTRUSTED = /SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)/
const TRUST = "if the server is yours, name the file with its authority's certificate in NODE_EXTRA_CA_CERTS"
const REFUSED_BY_PROXY = /^Proxy response \((\d+)\)/

/** Hosts that were reached: a name that was known a while ago is known again when the network is. */
const reached = new Set<string>()

const dialledFor = (url: URL): string => (proxyFor(url) ?? url).hostname

/** Notes that the host of the address was reached, or its proxy. */
export function rememberAnswer(url: URL): void {
  reached.add(dialledFor(url))
}

/** Tells what kept a request from its answer, and whether that passes. */
export function connectionProblem(error: unknown, url: URL): {readonly problem: string; readonly passing: boolean} {
  const {code = '', message} = error as {code?: string; message: string}
  const host = dialledFor(url)
  if (UNKNOWN_NAME.test(code)) {
    const passing = reached.has(host)
    const advice = passing
      ? 'it was known before'
      : `check ${throughProxy(url) === '' ? 'the URLs in the options' : 'HTTPS_PROXY'}`
    return {problem: `no host of the name ${host} was found (${code}); ${advice}${throughProxy(url)}`, passing}
  }
  const status = Number(REFUSED_BY_PROXY.exec(message)?.[1])
  if (!Number.isNaN(status)) return refusedByProxy(status, url)
  const reason = message.includes(code) ? message : `${message} (${code})`
  const problem = `${reason}${throughProxy(url)}${UNTRUSTED.test(code) ? `; ${TRUST}` : ''}`
  return {problem, passing: PASSING.test(code)}
}

function refusedByProxy(status: number, url: URL): {readonly problem: string; readonly passing: boolean} {
  const advice = status === 407 ? '; HTTPS_PROXY needs a user and a password: http://user:password@host:port' : ''
  return {
    problem: `the proxy refused with ${status}${throughProxy(url)}${advice}`,
    passing: status >= 500 || status === 429,
  }
}
