import type {Cannot} from '../emulators.ts'

export const LOCAL_BIGQUERY_CANNOT: Cannot = {}
