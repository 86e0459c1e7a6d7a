import type {HttpError as HttpErrorContract, JsonObject} from '../../source.ts'
import type {Failure} from './answer.ts'

export class HttpError extends Error implements HttpErrorContract {
  override readonly name = 'HttpError'
  declare readonly status?: number
  declare readonly body?: JsonObject
  declare readonly tooLarge?: true
  declare readonly isList?: true

  constructor(message: string, details: Pick<Failure, 'status' | 'body' | 'tooLarge' | 'isList' | 'cause'> = {}) {
    super(message, details.cause === undefined ? undefined : {cause: details.cause})
    if (details.status !== undefined) this.status = details.status
    if (details.body !== undefined) this.body = details.body
    if (details.tooLarge !== undefined) this.tooLarge = details.tooLarge
    if (details.isList !== undefined) this.isList = details.isList
  }
}
