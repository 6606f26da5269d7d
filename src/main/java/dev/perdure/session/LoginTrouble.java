package dev.perdure.session;

import dev.perdure.database.Failure;
import java.time.Instant;

/**
 * The trouble of a role that the worker cannot log in as at this moment.
 *
 * @param role its name when it was last looked at
 * @param reason what the server, or the network, said last
 * @param since when it began
 * @param nextTry when it is tried again; until then nobody else tries
 */
public record LoginTrouble(SessionPools.Key key, String role, Failure reason, Instant since, Instant nextTry) {}
