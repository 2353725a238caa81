/** Why a session ends whose client is not there any more: nobody is left to be told. */
export const clientLeft = new Error('the client left');
