namespace OnCache.Kubernetes.Configuration;

/// <summary>A configuration that cannot be used; the message names the file, the field and what would be right, in one line.</summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>Says what is wrong.</summary>
    public ConfigurationException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
