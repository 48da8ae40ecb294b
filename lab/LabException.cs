namespace OnCache.Lab;

/// <summary>A failure the user can act on; the message is one line that names what is wrong.</summary>
public class LabException : Exception
{
    public LabException(string message)
        : base(message)
    {
    }

    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public LabException()
    {
    }
}

/// <summary>An input out of its bounds: says the field, the value and what would be right. A usage error, exit status 2.</summary>
public sealed class LabOptionException : LabException
{
    public LabOptionException(string field, object? value, string expected)
        : base($"{field}: '{value}' is not {expected}")
    {
    }

    public LabOptionException(string message)
        : base(message)
    {
    }

    public LabOptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public LabOptionException()
    {
    }
}
