import {usageError} from './errors.ts'
import {isLoopback} from './safe-address.ts'

type Environment = Record<string, string | undefined>

/** The first that says something counts: nothing but https goes anywhere else, so there is one proxy. */
const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const
const EXCEPTIONS = ['no_proxy', 'NO_PROXY'] as const
const THIS_MACHINE = ['localhost', '127.0.0.1', '[::1]']

/** Finds the proxy of the environment. Throws a usage error where its address is none, without quoting it: it may hold a password. */
export function proxyIn(environment: Environment): URL | undefined {
  const name = NAMES.find((candidate) => (environment[candidate] ?? '').trim() !== '')
  if (name === undefined || exceptionsIn(environment).includes('*')) return undefined
  const written = (environment[name] ?? '').trim()
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(written) ? written : `http://${written}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url !== undefined && isUsable(url)) return url
  throw usageError(`${name} is not the address of a proxy`, {
    code: 'E_CONFIG_INVALID',
    next: 'Write it as http://proxy.example:3128, or http://user:password@proxy.example:3128 with special characters as %XX; SOCKS is not spoken.',
  })
}

const isUsable = ({protocol, hostname, username, password}: URL): boolean =>
  /^https?:$/.test(protocol) && hostname !== '' && !/%(?![\da-f]{2})/i.test(username + password)

/** Finds the proxy that a request to the address goes through; what is on this machine needs none. */
export function proxyFor({protocol, hostname, port}: URL, environment: Environment = process.env): URL | undefined {
  const proxy = proxyIn(environment)
  if (proxy === undefined || isLoopback(hostname)) return undefined
  const ports = [port, '', protocol === 'https:' && port === '' ? '443' : '']
  const excepted = exceptionsIn(environment).some((entry) => {
    const [, name = '', entryPort = ''] = /^(?:\*?\.)?(.+?)(?::(\d+))?$/.exec(entry) ?? []
    return ports.includes(entryPort) && (hostname === name || hostname.endsWith(`.${name}`))
  })
  return excepted ? undefined : proxy
}

/** Names the proxy that a request to the address goes through, without its credentials, for the end of a sentence. */
export function throughProxy(url: URL): string {
  const proxy = proxyFor(url)
  return proxy === undefined ? '' : `, through the proxy ${proxy.protocol}//${proxy.host}`
}

/**
 * Writes the proxy and its exceptions into the environment so that every library reads the same out of it, whichever of the
 * names it looks at, and whatever else it takes for an exception.
 */
export function settleProxy(environment: Environment): void {
  const proxy = proxyIn(environment)
  for (const name of NAMES) {
    if (proxy === undefined) delete environment[name]
    else environment[name] = proxy.href
  }
  if (proxy === undefined) return
  const written = exceptionsIn(environment).flatMap((entry) => (/^[*.[]/.test(entry) ? [entry] : [entry, `.${entry}`]))
  const exceptions = [...new Set([...written, ...THIS_MACHINE])].join()
  for (const name of EXCEPTIONS) environment[name] = exceptions
}

function exceptionsIn(environment: Environment): readonly string[] {
  const written = EXCEPTIONS.map((name) => environment[name] ?? '').find((text) => text.trim() !== '') ?? ''
  return written
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
}
