using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OnCache.Agent.Configuration.Yaml;

/// <summary>Builds the values of a YAML text. Anchors, aliases and tags are refused: a configuration says what it means where it means it.</summary>
internal sealed class YamlTree
{
    // No object here is deeper than ten; the limit keeps a hostile file from exhausting the stack.
    private const int MaximumDepth = 32;

    private readonly IParser _parser;
    private readonly ProblemList _problems;

    private YamlTree(IParser parser, ProblemList problems)
    {
        _parser = parser;
        _problems = problems;
    }

    /// <summary>The documents of the text; empty ones are left out. What cannot be read is added to the problems.</summary>
    public static IReadOnlyList<YamlValue> Documents(string text, ProblemList problems)
    {
        var documents = new List<YamlValue>();
        using var reader = new StringReader(text);
        try
        {
            var tree = new YamlTree(new Parser(reader), problems);
            tree._parser.Consume<StreamStart>();
            while (tree._parser.TryConsume<DocumentStart>(out _))
            {
                var value = tree.Read(depth: 0);
                tree._parser.Consume<DocumentEnd>();
                if (value is not YamlScalar { Kind: YamlScalarKind.Null })
                {
                    documents.Add(value);
                }
            }
        }
        catch (YamlException unreadable)
        {
            problems.Add((int)unreadable.Start.Line, "", $"is not valid YAML: {unreadable.Message}");
        }

        return documents;
    }

    private YamlValue Read(int depth)
    {
        var next = _parser.Consume<ParsingEvent>();
        var line = (int)next.Start.Line;
        if (depth > MaximumDepth)
        {
            throw new YamlException(next.Start, next.End, $"values are nested deeper than {MaximumDepth}");
        }

        if (next is NodeEvent node && (!node.Anchor.IsEmpty || !node.Tag.IsEmpty) && node is not Scalar { IsQuotedImplicit: true, Anchor.IsEmpty: true })
        {
            throw new YamlException(next.Start, next.End, "anchors and tags are not supported; write the value itself");
        }

        return next switch
        {
            Scalar scalar => new YamlScalar(line, scalar.Value, scalar.Style == ScalarStyle.Plain),
            SequenceStart => Sequence(line, depth),
            MappingStart => Mapping(line, depth),
            _ => throw new YamlException(next.Start, next.End, "aliases are not supported; write the value itself"),
        };
    }

    private YamlSequence Sequence(int line, int depth)
    {
        var items = new List<YamlValue>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Read(depth + 1));
        }

        return new YamlSequence(line, items);
    }

    private YamlMapping Mapping(int line, int depth)
    {
        var fields = new List<YamlField>();
        var repeated = new List<YamlField>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var name = Read(depth + 1);
            var value = Read(depth + 1);
            if (name is not YamlScalar scalar)
            {
                _problems.Add(name.Line, "", "a list or mapping cannot be the name of a field; use text");
            }
            else
            {
                (seen.Add(scalar.Text) ? fields : repeated).Add(new YamlField(scalar.Line, scalar.Text, value));
            }
        }

        return new YamlMapping(line, fields, repeated);
    }
}
