import type {JsonObject} from 'lorchestra'

/** Gives the id that the Gmail API gives a message, where the file told it, else its Message-ID. */
export function mailIdOf({id, payload}: JsonObject): string | undefined {
  if (typeof id === 'string' && id !== '') return id
  const {headers} = (payload ?? {}) as {readonly headers?: readonly {readonly name: string; readonly value: string}[]}
  const messageId = headers?.find(({name}) => name.toLowerCase() === 'message-id')?.value.trim()
  return messageId === undefined || messageId === '' ? undefined : messageId
}
