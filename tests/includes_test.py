"""Every file includes what it uses of the standard library.

Which of its headers include which others differs between compilers' versions: what compiles with g++ 12
because <string> happens to include <cstdint> does not with g++ 14.
"""

import re

from structure_test import PROJECT, files

# A header, and the names in std:: that are its own. std::size_t is not among them: every header that has
# something with a size declares it.
NAMES = {
    "algorithm": r"min|max|minmax|clamp|sort|stable_sort|unique|find|find_if|any_of|all_of|none_of|count|count_if"
    r"|copy|copy_n|fill|fill_n|search|equal|replace|remove_if|lower_bound|upper_bound|min_element|max_element"
    r"|reverse|rotate|shuffle|transform|for_each|nth_element|lexicographical_compare",
    "array": r"array|to_array",
    "atomic": r"atomic|atomic_\w+|memory_order\w*",
    "bit": r"bit_cast|endian|popcount|byteswap|countr_zero|bit_ceil",
    "charconv": r"from_chars|to_chars",
    "chrono": r"chrono",
    "condition_variable": r"condition_variable",
    "cstdint": r"u?int(?:_least|_fast)?(?:8|16|32|64)_t|u?intptr_t|u?intmax_t",
    "cstdio": r"puts|fputs|printf|fprintf|snprintf|vsnprintf|fopen|fclose|fread|fwrite|fflush|perror|FILE",
    "cstdlib": r"getenv|abort|exit|_Exit|atoi|strto\w+|malloc|calloc|realloc|free",
    "cstring": r"mem(?:cpy|set|cmp|move|chr)|str(?:len|cmp|ncmp|str|chr|rchr|error|spn|cspn)",
    "deque": r"deque",
    "exception": r"exception|exception_ptr|current_exception|terminate",
    "filesystem": r"filesystem",
    "fstream": r"ifstream|ofstream|fstream",
    "functional": r"function|hash|less|greater|equal_to|reference_wrapper|ref|cref",
    "initializer_list": r"initializer_list",
    "iostream": r"cout|cerr|cin",
    "limits": r"numeric_limits",
    "list": r"list",
    "map": r"map|multimap",
    "memory": r"unique_ptr|shared_ptr|weak_ptr|make_unique|make_shared",
    "mutex": r"mutex|recursive_mutex|lock_guard|unique_lock|scoped_lock|once_flag|call_once",
    "new": r"bad_alloc|nothrow",
    "numeric": r"accumulate|iota|reduce",
    "optional": r"optional|nullopt|make_optional",
    "random": r"mt19937\w*|uniform_\w+|random_device",
    "regex": r"regex|regex_\w+",
    "set": r"set|multiset",
    "span": r"span",
    "sstream": r"[io]?stringstream",
    "stdexcept": r"runtime_error|logic_error|invalid_argument|out_of_range",
    "string": r"string|to_string|getline|sto(?:i|l|ul|ll|ull|d)",
    "string_view": r"string_view",
    "thread": r"thread|jthread|this_thread",
    "tuple": r"tuple|tie|make_tuple|forward_as_tuple",
    "type_traits": r"is_\w+_v|is_same|underlying_type_t|decay_t|enable_if_t|conditional_t|remove_\w+_t|invoke_result_t",
    "unordered_map": r"unordered_map|unordered_multimap",
    "unordered_set": r"unordered_set|unordered_multiset",
    "utility": r"move|forward|exchange|swap|pair|make_pair|as_const|index_sequence|make_index_sequence",
    "variant": r"variant|get_if|holds_alternative|visit|monostate",
    "vector": r"vector",
}
PATTERNS = {header: re.compile(rf"\bstd::(?:{names})\b") for header, names in NAMES.items()}


def code_of(text):
    """Without comments and strings."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', re.sub(r"//.*", "", text))


def included(text):
    return set(re.findall(r"^\s*#\s*include\s*<([^>]+)>", text, re.M))


def missing(text, own_header=""):
    """The headers that a source uses and neither it includes nor the header that is its own."""
    there = included(text) | included(own_header)
    code = code_of(text)
    return [header for header, pattern in PATTERNS.items() if header not in there and pattern.search(code)]


def test_every_source_includes_what_it_uses():
    wrong = []
    for path in files():
        if path.suffix not in (".cc", ".h"):
            continue
        own = path.with_suffix(".h")
        own_header = own.read_text() if path.suffix == ".cc" and own.is_file() else ""
        lacking = missing(path.read_text(), own_header)
        if lacking:
            wrong.append(f"{path.relative_to(PROJECT)} lacks " + ", ".join(f"<{header}>" for header in lacking))
    assert not wrong, "\n".join(wrong)


def test_what_is_missing_is_found():
    text = '#include <string>\n// std::vector\nstd::uint8_t f(std::string text = "std::optional");\n'
    assert missing(text) == ["cstdint"]
    assert missing(text, own_header="#include <cstdint>\n") == []
