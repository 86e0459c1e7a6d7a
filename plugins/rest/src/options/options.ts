import {problemsOf} from '../settings-problems.ts'
import {shape} from './shape.ts'

export type {Options} from './shape.ts'

export const options = shape.superRefine((given, context) => {
  for (const {path, message} of problemsOf(given)) context.addIssue({code: 'custom', path: [...path], message})
})
