package dev.perdure.graph;

/**
 * A map's way of working on its items.
 *
 * @param item the name under which the body finds its item
 * @param maxConcurrent so many items are worked on at once
 * @param batchSize so many rows are one item to the body
 * @param tolerated failures, see there
 */
public record ItemPlan(String item, int maxConcurrent, int batchSize, ToleratedFailures tolerated) {

    public static final int MOST_CONCURRENT = 10_000;
    public static final int LARGEST_BATCH = 10_000;
}
