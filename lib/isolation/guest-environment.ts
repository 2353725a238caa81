/**
 * The environment of a guest's process: gatewayd's, without the variables that set gatewayd's own configuration, among
 * which are passwords of databases. A plugin gets what it is to know as its `config`.
 */
export function guestEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !/^GATEWAYD_/i.test(name));
  return Object.fromEntries(others);
}
