import {once} from 'node:events'
import {open, stat} from 'node:fs/promises'
import {request as requestPlain, type ClientRequest, type IncomingMessage} from 'node:http'
import {request as requestSecurely} from 'node:https'

import type {gaxios} from 'google-auth-library'

import {failure} from '../../base/errors.ts'

// No line of ours can hold it: a line of JSON begins with a brace.
const BOUNDARY = 'lorchestra-8f1c2a7d'
const CHUNK_BYTES = 512 * 1024

export interface Upload {
  readonly headers: Readonly<Record<string, string>>
  /** Google's client takes this in place of its own way to send a request. */
  readonly adapter: NonNullable<gaxios.GaxiosOptions['adapter']>
}

/**
 * Sends a job and the lines of its files in one request, through one buffer: streams of `fetch` and of Google's client
 * leave a new one behind for every chunk, 60 MB and more of them before they are collected. Can be sent several times.
 */
export async function uploadOf(job: object, files: readonly string[], progress: () => void): Promise<Upload> {
  const head = Buffer.from(
    `--${BOUNDARY}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(job)}\r\n` +
      `--${BOUNDARY}\r\ncontent-type: application/octet-stream\r\n\r\n`,
  )
  const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
  let bytes = head.length + tail.length
  for (const file of files) bytes += (await readingSpool(async () => stat(file))).size
  const send = async (request: ClientRequest): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    await written(request, head)
    for (const file of files) {
      const handle = await readingSpool(async () => open(file))
      try {
        for (;;) {
          const {bytesRead} = await readingSpool(async () => handle.read(buffer, 0, CHUNK_BYTES))
          if (bytesRead === 0) break
          await written(request, buffer.subarray(0, bytesRead))
          progress()
        }
      } finally {
        await handle.close()
      }
    }
    request.end(tail)
  }
  return {
    headers: {'content-type': `multipart/related; boundary=${BOUNDARY}`, 'content-length': String(bytes)},
    adapter: async (prepared) => {
      const {url, headers, agent, signal} = prepared
      const options = {
        method: 'POST',
        headers: Object.fromEntries(headers),
        ...(agent !== undefined && {agent: typeof agent === 'function' ? agent(url) : agent}),
        ...(signal instanceof AbortSignal && {signal}),
      }
      const request = url.protocol === 'https:' ? requestSecurely(url, options) : requestPlain(url, options)
      // What comes after the answer, while the rest is still being sent, is no news.
      request.on('error', () => undefined)
      try {
        const answer = once(request, 'response') as Promise<[IncomingMessage]>
        // Its own failure is that of the request; an early answer ends it.
        void send(request).catch((error: unknown) => request.destroy(error as Error))
        const [incoming] = await answer
        const response = new Response(incoming, {status: incoming.statusCode ?? 500})
        // Read here, because the client looks at `data` of a response whose body was read.
        const data = await response.text()
        return Object.assign(response, {config: prepared, data: data as never})
      } finally {
        request.destroy()
      }
    },
  }
}

/** Wraps a disk's error, so that it is not taken for the network's. */
async function readingSpool<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw failure('a temporary file of this run cannot be read any more', {
      code: 'E_TEMPORARY_FILES',
      next: 'See that nothing else removes files of lorchestra while it runs, and run the same command again.',
      cause: error,
    })
  }
}

/** Resolves when the buffer may be used again. */
const written = async (request: ClientRequest, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    request.write(bytes, (error) => {
      if (error instanceof Error) reject(error)
      else resolve()
    })
  })
