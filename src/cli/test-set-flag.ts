import {Flags} from '../base/oclif.ts'
import {TEST_TABLE_FLAG} from '../model/run-mode.ts'

const flag = (description: string, more: {readonly helpGroup?: string; readonly dependsOn?: string[]} = {}) => ({
  'test-set': Flags.string({description, helpValue: 'NAME', ...more}),
})

/** Gives the flag for a command that looks into test tables by itself. */
export const testSetFlag = () => flag('the set of test tables that is meant; left out: the one without a name')

/** Gives the flag for a command that looks into test tables, or writes them, where it is told to. */
export const testSetOfTestTableFlag = (more: {readonly helpGroup?: string} = {}) =>
  flag(`a set of test tables of its own, such as alice: test_raw_objects__alice (goes with --${TEST_TABLE_FLAG})`, {
    dependsOn: [TEST_TABLE_FLAG],
    ...more,
  })
