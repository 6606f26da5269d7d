package dev.perdure.flow.template;

/** The text around a reference, as it has been written up to there. */
interface Surroundings {

    /** The text goes on with this. */
    void follow(String text);

    /** The form of a value here. */
    Flavour flavour();

    /**
     * The value as it may stand here.
     *
     * @throws SubstitutionException when it must not
     */
    String guarded(String value, Reference reference);

    /** Whether <code>$$</code> means a dollar sign. */
    boolean hasEscape();

    /** A text that is no SQL. */
    record Raw(boolean hasEscape) implements Surroundings {

        private static final Flavour RAW = new RawFlavour();

        @Override
        public void follow(String text) {
            // It is the same everywhere.
        }

        @Override
        public Flavour flavour() {
            return RAW;
        }

        @Override
        public String guarded(String value, Reference reference) {
            return value;
        }
    }

    /** The body of a request that is JSON. */
    final class JsonBody implements Surroundings {

        private static final Flavour RAW = new RawFlavour();
        private static final Flavour TEXT = new JsonTextFlavour();

        private boolean isString;
        private boolean isEscaped;

        @Override
        public void follow(String text) {
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (isEscaped) {
                    isEscaped = false;
                } else if (isString && c == '\\') {
                    isEscaped = true;
                } else if (c == '"') {
                    isString = !isString;
                }
            }
        }

        @Override
        public Flavour flavour() {
            return isString ? TEXT : RAW;
        }

        @Override
        public String guarded(String value, Reference reference) {
            return value;
        }

        @Override
        public boolean hasEscape() {
            return true;
        }
    }
}
