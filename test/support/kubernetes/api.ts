import {readFile} from 'node:fs/promises'

import {Agent, fetch} from 'undici'

/** What lorchestra's proof reads and writes of an object of Kubernetes. */
export type Resource = {readonly [key: string]: unknown} & {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
}

/** The API server, asked over HTTPS as every client of it does. */
export class KubernetesApi {
  readonly #url: string
  readonly #token: string
  readonly #agent: Agent

  private constructor(url: string, token: string, certificate: string) {
    this.#url = url
    this.#token = token
    this.#agent = new Agent({connect: {ca: certificate}, bodyTimeout: 0})
  }

  static async open(at: {url: string; token: string; certificate: string}): Promise<KubernetesApi> {
    return new KubernetesApi(at.url, at.token, await readFile(at.certificate, 'utf8'))
  }

  /** False while it starts; nobody listens at first. */
  async isReady(): Promise<boolean> {
    try {
      return (await this.#ask('GET', '/readyz')) === 'ok'
    } catch {
      return false
    }
  }

  async get<Kind extends Resource>(path: string): Promise<Kind> {
    return JSON.parse(await this.#ask('GET', path)) as Kind
  }

  async create(path: string, body: object): Promise<void> {
    await this.#ask('POST', path, body)
  }

  /** Merges lists as well, by the keys that Kubernetes knows of them. */
  async merge(path: string, body: object): Promise<void> {
    await this.#ask('PATCH', path, body, 'application/strategic-merge-patch+json')
  }

  /** Gives each object as it is now, and then each change of one, until the signal. */
  async *watch<Kind extends Resource>(path: string, signal?: AbortSignal): AsyncGenerator<Kind> {
    // The server ends a watch when it likes; whoever asks again is told all that is there.
    for (;;) {
      signal?.throwIfAborted()
      const answer = await this.#send('GET', path, {query: '?watch=true', signal})
      let rest = ''
      for await (const text of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = `${rest}${text}`.split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const {type, object} = JSON.parse(line) as {type: string; object: Kind}
          if (type === 'ADDED' || type === 'MODIFIED') yield object
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #ask(method: string, path: string, body?: object, type?: string): Promise<string> {
    const answer = await this.#send(method, path, {body, type})
    return answer.text()
  }

  async #send(
    method: string,
    path: string,
    {body, type = 'application/json', query = '', signal}: SendOptions,
  ): ReturnType<typeof fetch> {
    const answer = await fetch(`${this.#url}${path}${path.includes('?') ? query.replace('?', '&') : query}`, {
      method,
      headers: {authorization: `Bearer ${this.#token}`, 'content-type': type},
      dispatcher: this.#agent,
      ...(body !== undefined && {body: JSON.stringify(body)}),
      ...(signal !== undefined && {signal}),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
}

interface SendOptions {
  readonly body?: object | undefined
  readonly type?: string | undefined
  readonly query?: string
  readonly signal?: AbortSignal | undefined
}
