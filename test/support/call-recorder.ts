import {createServer} from 'node:http'
import {once} from 'node:events'
import type {AddressInfo} from 'node:net'

/** Hears of each call of a source in a box, which can write no file: what it posts is kept, in order. */
export interface CallRecorder {
  readonly url: string
  readonly calls: readonly string[]
}

/** Ends with the tests, which it does not keep running. */
export async function startCallRecorder(
  onCall: (call: string, path: string) => void = () => {},
): Promise<CallRecorder> {
  const calls: string[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      calls.push(text)
      onCall(text, request.url ?? '/')
      response.end()
    })
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return {url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, calls}
}
