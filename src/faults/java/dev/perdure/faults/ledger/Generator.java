package dev.perdure.faults.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Random workflows. The same random numbers give the same workflows. */
public final class Generator {

    private final RandomGenerator random;
    private int steps;

    public Generator(RandomGenerator random) {
        this.random = random;
    }

    /** A workflow that may end in a failure. */
    public Shape workflow() {
        steps = 0;
        if (random.nextInt(3) == 0) {
            return leaf();
        }
        List<Shape> parts = new ArrayList<>();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            parts.add(part(2));
        }
        if (random.nextInt(12) == 0) {
            parts.add(new FailingStep(name("f")));
            parts.add(step());
        }
        return parts.size() == 1 ? parts.get(0) : new Sequence(parts);
    }

    /** A chain of SQL steps. */
    public static Shape chain(int length, double seconds) {
        List<Shape> parts = new ArrayList<>();
        for (int i = 1; i <= length; i++) {
            parts.add(new SqlStep("s" + i, seconds));
        }
        return length == 1 ? parts.get(0) : new Sequence(parts);
    }

    private Shape part(int depth) {
        if (depth == 0) {
            return leaf();
        }
        return switch (random.nextInt(12)) {
            case 0, 1 -> new Join(part(depth - 1), part(depth - 1));
            case 2 -> new Race(new Sleep(3600), calm());
            case 3 -> new Race(calm(), calm());
            case 4 -> {
                boolean condition = random.nextBoolean();
                yield new Choice(condition, part(depth - 1), step());
            }
            case 5 -> new Loop(name("c"), calm(), 2 + random.nextInt(2));
            case 6, 7 -> Sequence.of(leaf(), leaf(), leaf());
            default -> leaf();
        };
    }

    private Shape leaf() {
        return switch (random.nextInt(15)) {
            case 0 -> new AutocommitStep(name("o"));
            case 14 -> new SignalledStep(name("w"));
            case 1, 2 -> new NamedStep(name("n"));
            case 3 -> new Sleep(random.nextInt(3));
            default -> step();
        };
    }

    /** Effects of which each must happen exactly once. */
    private Shape calm() {
        return random.nextBoolean() ? step() : Sequence.of(step(), new NamedStep(name("n")), step());
    }

    private Shape step() {
        double seconds = random.nextInt(10) == 0 ? 0.15 : random.nextInt(3) * 0.004;
        return new SqlStep(name("s"), seconds);
    }

    private String name(String kind) {
        steps++;
        return kind + steps;
    }
}
