# Run with -D OUTPUT=FILE.cpp -D FOLDER=scenarios -P: writes every scenario below FOLDER as a raw string literal.
file(GLOB paths LIST_DIRECTORIES false RELATIVE ${FOLDER} ${FOLDER}/*.toml ${FOLDER}/scripts/*.toml)
list(SORT paths)
set(source "#include \"sim/library.hpp\"\n\nnamespace synwhy::sim {\nnamespace {\n\n")
string(APPEND source "constexpr LibraryFile kFiles[] = {\n")
foreach(path ${paths})
  # Brackets and semicolons mean something to CMake's lists; a quoted string passes them through unchanged.
  file(READ ${FOLDER}/${path} text)
  string(APPEND source "    {\"${path}\",\n     R\"synwhy(${text})synwhy\"},\n")
endforeach()
string(APPEND source "    {{}, {}},\n};\n\n}  // namespace\n\n")
string(APPEND source "std::span<const LibraryFile> library() { return std::span(kFiles).first(std::size(kFiles) - 1); }\n\n")
string(APPEND source "}  // namespace synwhy::sim\n")
file(WRITE ${OUTPUT} "${source}")
