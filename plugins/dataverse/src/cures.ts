import type {HttpError} from 'lorchestra'

import {problemOf} from './http-error.ts'
import type {Options} from './options.ts'

const APPLICATION_USERS = 'Power Platform admin center, Environments, Settings, Users + permissions, Application users'

/** Tells what a person can do about an error answer of Dataverse, which stands in the error's cause. */
export function cureFor({status = 0, body}: HttpError, options: Options): string | undefined {
  const {code, message} = problemOf(body)
  const who = options.client_secret === undefined ? 'the person who signed in' : 'the application user'
  const privilege = /\bprv\w+/.exec(message)?.[0]
  if (privilege !== undefined)
    return `${who} lacks the privilege ${privilege}. Assign a security role that has it (${APPLICATION_USERS})`
  if (status === 401 || code.toLowerCase() === '0x80072560') return cureForStranger(options)
  if (status === 403) return `${who} may not do this. Assign a security role that may read ${options.entity}`
  if (status === 404)
    return `there is no such address below ${options.url}. Check url, and entity_set if the job sets it`
  if (status === 400)
    return `Dataverse does not understand the request. Check select, filter and expand of the job; a table without ${options.cursor_field} needs another cursor_field, or full: true`
  if (status === 408 || status === 429 || status >= 500)
    return 'Dataverse is too busy. Run the same command again later; it goes on from what is stored'
  return undefined
}

function cureForStranger({client_id, client_secret, url}: Options): string {
  return client_secret === undefined
    ? `Entra knows the person who signed in, but ${url} does not. Sign in as one of its users: lorchestra accounts login`
    : `Entra knows the application ${client_id}, but ${url} does not. Add it as an application user with a security role (${APPLICATION_USERS})`
}
