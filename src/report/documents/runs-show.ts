import {document, type DocumentOf} from './document.ts'
import {pastRunMember} from './past-run.ts'

export const runsShowDocument = document({run: pastRunMember})

export type RunsShowDocument = DocumentOf<typeof runsShowDocument>
