package dev.perdure.flow.template;

import dev.perdure.flow.result.Result;
import dev.perdure.flow.result.ResultDocument;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The results to which a template refers, taken apart: it often refers to one several times. They stay in memory as long as it is worked on. */
final class TakenApart {

    private final TextBudget budget;
    private final Map<Result, Optional<ResultDocument>> documents = new IdentityHashMap<>();
    private long weight;

    TakenApart(TextBudget budget) {
        this.budget = budget;
    }

    /**
     * A result; null when it is no JSON.
     *
     * @throws SubstitutionException when it is too much together with the others
     */
    @Nullable ResultDocument of(Result result) {
        Optional<ResultDocument> known = documents.get(result);
        if (known == null) {
            weight = budget.takeApart(result, weight);
            known = Optional.ofNullable(ResultDocument.of(result));
            documents.put(result, known);
        }
        return known.orElse(null);
    }
}
