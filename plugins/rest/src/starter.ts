/** The lines that `init` writes have an example of each part that an API needs said. */
export const starter = {
  account: `base_url: https://api.example.com/v2 # where paths begin
auth: {type: bearer, token: "\${TOKEN}"} # or none, api_key, basic, oauth2_client_credentials, oauth2_refresh_token
# preset: github # a service that is known, instead of all of this: github, hubspot, stripe and others
# units_per_minute: 600 # requests that the service takes in a minute
`,
  job: `object: ticket # what keys begin with
path: /tickets # below base_url
records: data # where the answer holds the list; "" where the answer is the list
key: id # where a record holds its id; [org, id] where it takes several
pages: {by: next, path: next} # or link, cursor, page, offset, none
window: {since: updated_since, until: updated_before, format: iso-seconds, field: updated_at} # left out: all in each run
`,
}
