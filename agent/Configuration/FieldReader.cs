using System.Globalization;
using OnCache.Agent.Configuration.Yaml;

namespace OnCache.Agent.Configuration;

/// <summary>Reads the fields of one mapping and knows at its end, <see cref="Close"/>, which of the file's fields nobody asked for.</summary>
internal sealed class FieldReader
{
    private readonly YamlMapping _mapping;
    private readonly string _path;
    private readonly ProblemList _problems;
    private readonly FieldLines _lines;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    private FieldReader(YamlMapping mapping, string path, ProblemList problems, FieldLines lines)
    {
        _mapping = mapping;
        _path = path;
        _problems = problems;
        _lines = lines;
        foreach (var field in mapping.Fields)
        {
            lines.Set(PathOf(field.Name), field.Line);
        }
    }

    /// <summary>A reader of a whole document.</summary>
    public static FieldReader OfDocument(YamlMapping mapping, ProblemList problems, FieldLines lines)
    {
        var reader = new FieldReader(mapping, "", problems, lines);
        reader.RefuseRepeated(mapping, "");
        return reader;
    }

    /// <summary>Text that must be there; "" stands in for it when it is not, with a problem noted.</summary>
    public string RequiredText(string name, string example)
    {
        if (Find(name) is { } value)
        {
            return Text(value, PathOf(name)) ?? "";
        }

        Missing(name, example);
        return "";
    }

    /// <summary>A whole number of 32 bits.</summary>
    public int Integer(string name, int otherwise) => Find(name) is { } value ? Integer(value, PathOf(name)) ?? otherwise : otherwise;

    /// <summary>A whole number that must be there; 0 stands in for it, with a problem noted.</summary>
    public int RequiredInteger(string name, string example)
    {
        if (Find(name) is { } value)
        {
            return Integer(value, PathOf(name)) ?? 0;
        }

        Missing(name, example);
        return 0;
    }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool Boolean(string name)
    {
        switch (Find(name))
        {
            case null:
                return false;
            case YamlScalar { Kind: YamlScalarKind.Boolean } scalar:
                return string.Equals(scalar.Text, "true", StringComparison.OrdinalIgnoreCase);
            case var other:
                Wrong(other, PathOf(name), "use true or false");
                return false;
        }
    }

    /// <summary>A scalar that <paramref name="parse"/> understands.</summary>
    public T Parsed<T>(string name, T otherwise, Func<string, Parse<T>> parse) =>
        Find(name) is { } value && Parsed(value, PathOf(name), parse) is { Read: true } parsed ? parsed.Value! : otherwise;

    /// <summary>A scalar that must be there and that <paramref name="parse"/> understands; <paramref name="otherwise"/> stands in for it, with a problem noted.</summary>
    public T Required<T>(string name, string example, T otherwise, Func<string, Parse<T>> parse)
    {
        if (Find(name) is { } value)
        {
            return Parsed(value, PathOf(name), parse) is { Read: true } parsed ? parsed.Value! : otherwise;
        }

        Missing(name, example);
        return otherwise;
    }

    /// <summary>A list of scalars; empty, with a problem for each, when some cannot be read.</summary>
    public IReadOnlyList<T>? Scalars<T>(string name, Func<string, Parse<T>> parse)
    {
        if (Items(name) is not { } items)
        {
            return null;
        }

        var result = new List<T>(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            if (Parsed(items[i], $"{PathOf(name)}[{i}]", parse) is { Read: true } parsed)
            {
                result.Add(parsed.Value!);
            }
        }

        return result.Count == items.Count ? result : [];
    }

    /// <summary>A list of texts.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (Items(name) is not { } items)
        {
            return [];
        }

        var result = items.Select((item, i) => Text(item, $"{PathOf(name)}[{i}]")).OfType<string>().ToArray();
        return result.Length == items.Count ? result : [];
    }

    /// <summary>A mapping of texts, such as labels.</summary>
    public IReadOnlyDictionary<string, string> Map(string name)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find(name) is { } value && Mapping(value, PathOf(name)) is { } mapping)
        {
            foreach (var field in mapping.Fields)
            {
                var path = $"{PathOf(name)}.{field.Name}";
                _lines.Set(path, field.Line);
                if (Text(field.Value, path) is { } text)
                {
                    result[field.Name] = text;
                }
            }
        }

        return result;
    }

    /// <summary>A mapping with fields of its own.</summary>
    public T? Object<T>(string name, Func<FieldReader, T> read)
        where T : class =>
        Find(name) is { } value && Mapping(value, PathOf(name)) is { } mapping ? Read(mapping, PathOf(name), read) : null;

    /// <summary>A mapping with fields of its own that must be there.</summary>
    public T? RequiredObject<T>(string name, string example, Func<FieldReader, T> read)
        where T : class
    {
        if (Find(name) is { } value)
        {
            return Mapping(value, PathOf(name)) is { } mapping ? Read(mapping, PathOf(name), read) : null;
        }

        Missing(name, example);
        return null;
    }

    /// <summary>A list of mappings. One that is no mapping is noted and read as an empty one, so that the others keep their indices.</summary>
    public IReadOnlyList<T> Objects<T>(string name, Func<FieldReader, T> read) => ObjectsIfGiven(name, read) ?? [];

    /// <summary>The same, and null where the field is absent.</summary>
    public IReadOnlyList<T>? ObjectsIfGiven<T>(string name, Func<FieldReader, T> read)
    {
        if (Items(name) is not { } items)
        {
            return null;
        }

        var result = new List<T>(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            var path = $"{PathOf(name)}[{i}]";
            result.Add(Mapping(items[i], path) is { } mapping
                ? Read(mapping, path, read)
                : read(new FieldReader(new YamlMapping(items[i].Line, [], []), path, new ProblemList(""), _lines)));
        }

        return result;
    }

    /// <summary>Reports the fields that nobody asked for.</summary>
    public void Close()
    {
        foreach (var field in _mapping.Fields.Where(field => !_known.Contains(field.Name)))
        {
            _problems.Add(
                field.Line,
                PathOf(field.Name),
                $"the field is unknown; known here are {string.Join(", ", _known.Order(StringComparer.Ordinal))}");
        }
    }

    private T Read<T>(YamlMapping mapping, string path, Func<FieldReader, T> read)
    {
        var reader = new FieldReader(mapping, path, _problems, _lines);
        var result = read(reader);
        reader.Close();
        return result;
    }

    private string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    // As in Kubernetes, a field that is null is a field that is absent.
    private YamlValue? Find(string name)
    {
        _ = _known.Add(name);
        var value = _mapping.Fields.FirstOrDefault(field => string.Equals(field.Name, name, StringComparison.Ordinal))?.Value;
        return value is YamlScalar { Kind: YamlScalarKind.Null } ? null : value;
    }

    private IReadOnlyList<YamlValue>? Items(string name)
    {
        switch (Find(name))
        {
            case null:
                return null;
            case YamlSequence sequence:
                for (var i = 0; i < sequence.Items.Count; i++)
                {
                    _lines.Set($"{PathOf(name)}[{i}]", sequence.Items[i].Line);
                }

                return sequence.Items;
            case var other:
                Wrong(other, PathOf(name), "use a list");
                return null;
        }
    }

    private YamlMapping? Mapping(YamlValue value, string path)
    {
        if (value is YamlMapping mapping)
        {
            RefuseRepeated(mapping, path);
            return mapping;
        }

        Wrong(value, path, "use a mapping of fields");
        return null;
    }

    private void RefuseRepeated(YamlMapping mapping, string path)
    {
        foreach (var field in mapping.Repeated)
        {
            var first = mapping.Fields.First(other => string.Equals(other.Name, field.Name, StringComparison.Ordinal));
            _problems.Add(
                field.Line,
                path.Length == 0 ? field.Name : $"{path}.{field.Name}",
                $"the field is given twice, first in line {first.Line}; keep one");
        }
    }

    private string? Text(YamlValue value, string path)
    {
        switch (value)
        {
            case YamlScalar { Kind: YamlScalarKind.String } scalar:
                return scalar.Text;
            case YamlScalar { Kind: not YamlScalarKind.Null } scalar:
                Wrong(scalar, path, $"use text, in quotes: \"{scalar.Text}\"");
                return null;
            default:
                Wrong(value, path, "use text");
                return null;
        }
    }

    private int? Integer(YamlValue value, string path)
    {
        if (value is not YamlScalar { Kind: YamlScalarKind.Integer } scalar)
        {
            Wrong(value, path, "use a whole number");
            return null;
        }

        if (!int.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            _problems.Add(value.Line, path, scalar.Text.All(c => char.IsAsciiDigit(c) || c is '-' or '+')
                ? $"{scalar.Text} does not fit 32 bits; use a whole number nearer to 0"
                : $"{scalar.Text} is not decimal; write it as a decimal number");
            return null;
        }

        return number;
    }

    private Parse<T> Parsed<T>(YamlValue value, string path, Func<string, Parse<T>> parse)
    {
        if (value is not YamlScalar scalar)
        {
            Wrong(value, path, "use a single value");
            return default;
        }

        var parsed = parse(scalar.Text);
        if (!parsed.Read)
        {
            _problems.Add(value.Line, path, parsed.Message);
        }

        return parsed;
    }

    private void Missing(string name, string example) =>
        _problems.Add(_lines.LineOf(PathOf(name)), PathOf(name), $"the field is missing; add it, for example {name}: {example}");

    private void Wrong(YamlValue value, string path, string expected)
    {
        var actual = value switch
        {
            YamlMapping => "a mapping",
            YamlSequence => "a list",
            YamlScalar { Kind: YamlScalarKind.Null } => "nothing",
            YamlScalar { Kind: YamlScalarKind.Boolean } scalar => $"{scalar.Text} is a truth value",
            YamlScalar { Kind: YamlScalarKind.String } scalar => $"\"{scalar.Text}\" is text",
            YamlScalar scalar => $"{scalar.Text} is a number",
            _ => throw new InvalidOperationException($"{value.GetType().Name} is not a kind of YAML value"),
        };
        _problems.Add(value.Line, path, value is YamlScalar { Kind: not YamlScalarKind.Null } ? $"{actual}; {expected}" : $"the value is {actual}; {expected}");
    }
}
