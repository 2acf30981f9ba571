// Renovate logs in to REST and to its own clones by itself, with "token" and the username
// x-token-auth: that is right for an access token. The helper serves what it starts: go, npm,
// composer and other package managers that run git. Those inherit few variables, so that git's
// are named here; the token itself stays in its file.
const { readFileSync } = require('node:fs');

const wanted = (name) => name.startsWith('GIT_CONFIG_') || name === 'BITBUCKET_ACCESS_TOKEN_FILE';

module.exports = {
  platform: 'bitbucket',
  token: readFileSync(process.env.BITBUCKET_ACCESS_TOKEN_FILE, 'utf8').trim(),
  repositories: ['acme/app'],
  customEnvVariables: Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted(name))),
};
