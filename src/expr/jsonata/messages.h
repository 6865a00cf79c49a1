/* The messages of jsonata-js by code. {{name}} is filled in as JSON text, {{{name}}} bare.
 *
 * Source: jsonata-js 2.2.2 (MIT), errorCodes; S0303 and the words of limits are ours.
 */
#ifndef PAWL_EXPR_JSONATA_MESSAGES_H
#define PAWL_EXPR_JSONATA_MESSAGES_H

/* clang-format off */
#define JSONATA_MESSAGES(M) \
    M("S0101", "String literal must be terminated by a matching quote") \
    M("S0102", "Number out of range: {{token}}") \
    M("S0103", "Unsupported escape sequence: \\{{token}}") \
    M("S0104", "The escape sequence \\u must be followed by 4 hex digits") \
    M("S0105", "Quoted property name must be terminated with a backquote (`)") \
    M("S0106", "Comment has no closing tag") \
    M("S0201", "Syntax error: {{token}}") \
    M("S0202", "Expected {{value}}, got {{token}}") \
    M("S0203", "Expected {{value}} before end of expression") \
    M("S0204", "Unknown operator: {{token}}") \
    M("S0205", "Unexpected token: {{token}}") \
    M("S0206", "Unknown expression type: {{token}}") \
    M("S0207", "Unexpected end of expression") \
    M("S0208", "Parameter {{value}} of function definition must be a variable name (start with $)") \
    M("S0209", "A predicate cannot follow a grouping expression in a step") \
    M("S0210", "Each step can only have one grouping expression") \
    M("S0211", "The symbol {{token}} cannot be used as a unary operator") \
    M("S0212", "The left side of := must be a variable name (start with $)") \
    M("S0213", "The literal value {{value}} cannot be used as a step within a path expression") \
    M("S0214", "The right side of {{token}} must be a variable name (start with $)") \
    M("S0215", "A context variable binding must precede any predicates on a step") \
    M("S0216", "A context variable binding must precede the 'order-by' clause on a step") \
    M("S0217", "The object representing the 'parent' cannot be derived from this expression") \
    M("S0301", "Empty regular expressions are not allowed") \
    M("S0302", "No terminating / in regular expression") \
    M("S0303", "Invalid regular expression: {{token}}") \
    M("S0402", "Choice groups containing parameterized types are not supported") \
    M("S0401", "Type parameters can only be applied to functions and arrays") \
    M("S0500", "Attempted to evaluate an expression containing syntax error(s)") \
    M("T0410", "Argument {{index}} of function {{token}} does not match function signature") \
    M("T0411", "Context value is not a compatible type with argument {{index}} of function {{token}}") \
    M("T0412", "Argument {{index}} of function {{token}} must be an array of {{type}}") \
    M("D1001", "Number out of range: {{value}}") \
    M("D1002", "Cannot negate a non-numeric value: {{value}}") \
    M("T1003", "Key in object structure must evaluate to a string; got: {{value}}") \
    M("D1004", "Regular expression matches zero length string") \
    M("T1005", "Attempted to invoke a non-function. Did you mean ${{{token}}}?") \
    M("T1006", "Attempted to invoke a non-function") \
    M("T1007", "Attempted to partially apply a non-function. Did you mean ${{{token}}}?") \
    M("T1008", "Attempted to partially apply a non-function") \
    M("D1009", "Multiple key definitions evaluate to same key: {{value}}") \
    M("T1010", "The matcher function argument passed to function {{token}} does not return the correct " "object structure") \
    M("D1011", "Stack overflow. Check for non-terminating recursive function.  Consider rewriting as " "tail-recursive") \
    M("D1012", "Evaluation timeout after {{value}} milliseconds. Check for infinite loop") \
    M("D1013", "Object property names starting with _jsonata_ are reserved for internal use: {{value}}") \
    M("T2001", "The left side of the {{token}} operator must evaluate to a number") \
    M("T2002", "The right side of the {{token}} operator must evaluate to a number") \
    M("T2003", "The left side of the range operator (..) must evaluate to an integer") \
    M("T2004", "The right side of the range operator (..) must evaluate to an integer") \
    M("D2005", "The left side of := must be a variable name (start with $)") \
    M("T2006", "The right side of the function application operator ~> must be a function") \
    M("T2007", "Type mismatch when comparing values {{value}} and {{value2}} in order-by clause") \
    M("T2008", "The expressions within an order-by clause must evaluate to numeric or string values") \
    M("T2009", "The values {{value}} and {{value2}} either side of operator {{token}} must be of the " "same data type") \
    M("T2010", "The expressions either side of operator {{token}} must evaluate to numeric or string values") \
    M("T2011", "The insert/update clause of the transform expression must evaluate to an object: {{value}}") \
    M("T2012", "The delete clause of the transform expression must evaluate to a string or array of " "strings: {{value}}") \
    M("T2013", "The transform expression clones the input object using the $clone() function.  This " "has been overridden in the current scope by a non-function.") \
    M("D2014", "The size of the sequence allocated by the range operator (..) must not exceed 1e7.  " "Attempted to allocate {{value}}.") \
    M("D2015", "The maximum sequence length of {{value}} was exceeded.") \
    M("D3001", "Attempting to invoke string function on Infinity or NaN") \
    M("D3010", "Second argument of replace function cannot be an empty string") \
    M("D3011", "Fourth argument of replace function must evaluate to a positive number") \
    M("D3012", "Attempted to replace a matched string with a non-string value") \
    M("D3020", "Third argument of split function must evaluate to a positive number") \
    M("D3030", "Unable to cast value to a number: {{value}}") \
    M("D3040", "Third argument of match function must evaluate to a positive number") \
    M("D3050", "The second argument of reduce function must be a function with at least two arguments") \
    M("D3060", "The sqrt function cannot be applied to a negative number: {{value}}") \
    M("D3061", "The power function has resulted in a value that cannot be represented as a JSON " "number: base={{value}}, exponent={{exp}}") \
    M("D3070", "The single argument form of the sort function can only be applied to an array of strings or an " "array of numbers.  Use the second argument to specify a comparison function") \
    M("D3080", "The picture string must only contain a maximum of two sub-pictures") \
    M("D3081", "The sub-picture must not contain more than one instance of the 'decimal-separator' character") \
    M("D3082", "The sub-picture must not contain more than one instance of the 'percent' character") \
    M("D3083", "The sub-picture must not contain more than one instance of the 'per-mille' character") \
    M("D3084", "The sub-picture must not contain both a 'percent' and a 'per-mille' character") \
    M("D3085", "The mantissa part of a sub-picture must contain at least one character that is either " "an 'optional digit character' or a member of the 'decimal digit family'") \
    M("D3086", "The sub-picture must not contain a passive character that is preceded by an active " "character and that is followed by another active character") \
    M("D3087", "The sub-picture must not contain a 'grouping-separator' character that appears " "adjacent to a 'decimal-separator' character") \
    M("D3088", "The sub-picture must not contain a 'grouping-separator' at the end of the integer part") \
    M("D3089", "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character") \
    M("D3090", "The integer part of the sub-picture must not contain a member of the 'decimal digit " "family' that is followed by an instance of the 'optional digit character'") \
    M("D3091", "The fractional part of the sub-picture must not contain an instance of the 'optional " "digit character' that is followed by a member of the 'decimal digit family'") \
    M("D3092", "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a " "character treated as an 'exponent-separator'") \
    M("D3093", "The exponent part of the sub-picture must comprise only of one or more characters that " "are members of the 'decimal digit family'") \
    M("D3100", "The radix of the formatBase function must be between 2 and 36.  It was given {{value}}") \
    M("D3110", "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given {{value}}") \
    M("D3120", "Syntax error in expression passed to function eval: {{value}}") \
    M("D3121", "Dynamic error evaluating the expression passed to function eval: {{value}}") \
    M("D3130", "Formatting or parsing an integer as a sequence starting with {{value}} is not " "supported by this implementation") \
    M("D3131", "In a decimal digit pattern, all digits must be from the same decimal group") \
    M("D3132", "Unknown component specifier {{value}} in date/time picture string") \
    M("D3133", "The 'name' modifier can only be applied to months and days in the date/time picture " "string, not {{value}}") \
    M("D3134", "The timezone integer format specifier cannot have more than four digits") \
    M("D3135", "No matching closing bracket ']' in date/time picture string") \
    M("D3136", "The date/time picture string is missing specifiers required to parse the timestamp") \
    M("D3137", "{{{message}}}") \
    M("D3138", "The $single() function expected exactly 1 matching result.  Instead it matched more.") \
    M("D3139", "The $single() function expected exactly 1 matching result.  Instead it matched 0.") \
    M("D3140", "Malformed URL passed to ${{{functionName}}}(): {{value}}") \
    M("D3141", "{{{message}}}")
/* clang-format on */

#endif
