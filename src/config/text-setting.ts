import * as z from 'zod'

import {messageWithCauses} from '../base/errors.ts'
import {variablesIn} from './variables.ts'

/** Text is checked by `read`, which throws for what it does not understand; with a variable in it, a run reads it. */
export const textSetting = (read: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    if (variablesIn(text).length > 0) return
    try {
      read(text)
    } catch (error) {
      context.addIssue({code: 'custom', message: messageWithCauses(error)})
    }
  })
