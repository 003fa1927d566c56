package auth

import "time"

// FlowLife is how long a sign-in may take, from the button to the way back.
const FlowLife = 10 * time.Minute
