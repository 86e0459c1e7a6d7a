/** What lorchestra takes for granted of BigQuery, and how the live suite finds out whether it is so. */
export interface Assumption {
  readonly id: string
  readonly says: string
  /** These tests of the live suite hold only where it is so, by how their full titles begin. It has a probe of its own without them. */
  readonly tests?: readonly string[]
  /** The live suite cannot tell, and why. */
  readonly outOfReach?: string
}

const CONTRACT = 'BigQuery as a warehouse'

export const ASSUMPTIONS: readonly Assumption[] = [
  // 1: expiration
  {id: 'table-expiration-inherited', says: 'A table inherits the default expiration of its dataset.'},
  {
    id: 'partition-expiration-inherited',
    says: 'A partitioned table inherits the default partition expiration of its dataset.',
  },
  {
    id: 'expiration-can-be-refused',
    says: 'Tables of production have no end in a dataset that gives one.',
    tests: ['a day of use with BigQuery'],
  },
  // 2: numbers
  {id: 'numbers-exact-refused', says: '`PARSE_JSON` refuses 67.174118 where it is not told to round.'},
  {id: 'numbers-rounded', says: "`SAFE.PARSE_JSON` with `wide_number_mode => 'round'` takes 67.174118."},
  {id: 'bad-json-is-null', says: '`SAFE.PARSE_JSON` answers NULL to what is no JSON.'},
  {id: 'json-members-sorted', says: 'JSON keeps the first of two members of one name, and not the order of members.'},
  {
    id: 'hostile-data',
    says: 'All that the hostile corpus holds is stored whole or is a counted reject.',
    tests: [`${CONTRACT} stores hostile`, `${CONTRACT} rejects what`, `${CONTRACT} keeps keys apart`],
  },
  // 3: cost
  {
    id: 'ceiling-refuses',
    says: 'A statement that might bill more than `maximumBytesBilled` fails with the reason bytesBilledLimitExceeded.',
  },
  {id: 'dry-run-estimates', says: 'A job with `dryRun` tells the bytes that it would read.'},
  {id: 'partitions-prune', says: 'A constant filter on `created_at` leaves partitions unread, in estimates as well.'},
  {
    id: 'blocks-prune',
    says: 'Constant filters on the clustering columns leave blocks unread.',
    outOfReach: 'it takes a table of many GB',
  },
  {
    id: 'merge-bills-target',
    says: 'A MERGE that updates bills the blocks that it touches, of all columns.',
    outOfReach: 'it takes a table of many GB',
  },
  {
    id: 'ceiling-upper-bound',
    says: 'For a clustered table the ceiling is compared with an upper bound.',
    outOfReach: 'it takes a table of many GB',
  },
  {id: 'least-billed', says: 'A statement bills at least 10 MB for each table that it reads.'},
  // 4: conflicts
  {
    id: 'transactions-conflict',
    says: 'Of two transactions that change rows of one table one is cancelled, whichever rows they are.',
  },
  {id: 'inserts-do-not-conflict', says: 'Two transactions that only insert into one table both succeed.'},
  {
    id: 'cancelled-is-repeated',
    says: 'Runs that write one table at the same time all come through.',
    tests: ['runs of BigQuery beside others'],
  },
  // Transactions and statements
  {id: 'script-rolls-back', says: 'A script that fails within a transaction leaves nothing.'},
  {id: 'merge-needs-one-source-row', says: 'A MERGE that updates fails where two source rows match one row.'},
  {id: 'statement-of-1-mb', says: 'A statement of more than 1 MB is refused.'},
  {
    id: 'partition-filter-binds-dml',
    says: 'A DELETE without a filter on the partition fails where the table requires one.',
  },
  {id: 'partition-filter-any-time', says: "`created_at >= TIMESTAMP('0001-01-01')` is such a filter."},
  {
    id: 'keys-as-one-parameter',
    says: 'Keys go into a statement as one parameter that is split.',
    tests: [`${CONTRACT} answers what is known`],
  },
  {id: 'streamed-rows-stay', says: 'Rows that were streamed a moment ago cannot be changed, and the error says so.'},
  // 6, 7: twins and staging
  {id: 'collation-inherited', says: 'A table inherits the default collation of its dataset.'},
  {
    id: 'empty-collation-kept',
    says: 'A table that is made with an empty default collation compares exactly, whatever its dataset says.',
  },
  {id: 'primary-key-kept', says: 'A primary key is described again as it was given, and is not enforced.'},
  {
    id: 'twins-equal',
    says: 'A test table is described as production is.',
    tests: [`${CONTRACT} keeps the three modes apart`],
  },
  {
    id: 'policy-tags-need-set-category',
    says: 'A table with policy tags is made under tables.setCategory alone.',
    outOfReach: 'the project would need a taxonomy',
  },
  // 10: jobs
  {id: 'job-id-taken-for-ever', says: 'A job id that was used is answered with 409 and the reason duplicate.'},
  {id: 'job-complete-false', says: 'An answer that is not there in time has `jobComplete: false` and no rows.'},
  {id: 'statement-is-atomic', says: 'An INSERT that fails at one row inserts none.'},
  // 11: leases
  {id: 'lease-end-by-metadata', says: 'The end of a table is set by PATCH, and told again by GET, to the millisecond.'},
  {
    id: 'one-holder',
    says: 'Of runs that begin at the same moment one gets the stream.',
    tests: [`${CONTRACT} lets one through of several processes`],
  },
  // 8, 9, loop
  {
    id: 'time-travel',
    says: 'A table can be read as it was a moment ago, also before a change that a transaction made.',
  },
  {
    id: 'diff-foretells',
    says: 'A diff by SELECT alone counts what the commit then does.',
    tests: ['a diff with BigQuery'],
  },
  {id: 'promotion', says: 'Test rows become production rows in one transaction.', tests: ['promotion with BigQuery']},
  {id: 'plans', says: 'A plan is applied as it was made, or not at all.', tests: ['plans with BigQuery']},
  {id: 'undo', says: 'A run is taken back by what time travel knows.', tests: ['undo with BigQuery']},
  {id: 'seed', says: "Production's rows are copied into test tables.", tests: ['seeding with BigQuery']},
  // Isolation
  {
    id: 'rights-are-told',
    says: '`testIamPermissions` of a table answers with those of the permissions that the caller has.',
  },
  {
    id: 'time-travel-billed',
    says: 'Rewritten blocks are billed for 14 days by the physical storage model.',
    outOfReach: 'bills come later than the suite ends',
  },
]
