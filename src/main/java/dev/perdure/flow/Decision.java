package dev.perdure.flow;

import java.util.List;

/**
 * The answer to an event: rows to persist, and effects to start once they are committed. It changes nothing by itself:
 * {@link InstanceState#apply} does, after the commit was acknowledged.
 *
 * @param checkpoint what to persist; may be empty
 * @param effects what to start afterwards, in order
 * @param change how memory advances
 */
public record Decision(Checkpoint checkpoint, List<Effect> effects, StateDelta change) {}
