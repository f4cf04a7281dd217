// Shopify's own rules for theme app extensions, from the npm package, without a network. Exit code 1 when one is broken.
const { mkdtempSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { themeCheckRun } = require('@shopify/theme-check-node');

const rules = join(mkdtempSync(join(tmpdir(), 'theme-check-')), 'rules.yml');
writeFileSync(rules, 'extends: theme-check:theme-app-extension\n');
themeCheckRun(join(__dirname, 'recommendations'), rules).then(({ offenses }) => {
  const told = offenses.map((one) => `${one.uri}:${one.start.line + 1} ${one.check}: ${one.message}`);
  console.log(told.length ? told.join('\n') : 'theme-check: nothing to complain about');
  process.exitCode = told.length ? 1 : 0;
});
